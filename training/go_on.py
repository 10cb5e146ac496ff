"""Go on from the exported model where the work folder has nothing yet."""

from dataclasses import replace

from training.checkpoints import save_checkpoint
from training.config import Config
from training.sampling import load_pipeline
from training.train_unet import checkpoint_path, steps
from training.train_vae import KNOWN
from training.unet import deepen_unet


def go_on_from_export(config: Config) -> Config:
    """Put the exported networks in the work folder as if the stages that made them had just ended there.

    What an export does not hold, the optimisers' memory, starts anew. Networks that the work folder has are left.
    An autoencoder that is given time learns on as well, at half the rate of one that knows nothing.

    Returns
    -------
    Config
        The run with the exported UNet's channels; where that has fewer layers than the run's, it is deepened. Whatever
        more it learns, it learns at full resolution.
    """
    pipeline = load_pipeline(config.export)
    channels = tuple(pipeline.unet.config.block_out_channels)
    config = replace(config, unet=replace(config.unet, channels=channels, low_share=0.0))
    learns_on = config.vae.seconds is not None
    if learns_on:
        config = replace(config, vae=replace(config.vae, learning_rate=config.vae.learning_rate / 2))
    for name, network in ((KNOWN if learns_on else "vae", pipeline.vae), ("text_encoder", pipeline.text_encoder)):
        if not (config.work / name).exists():
            network.save_pretrained(config.work / name)
    if not checkpoint_path(config.work).exists():
        unet = deepen_unet(pipeline.unet, config.unet, config.text).state_dict()
        text = pipeline.text_encoder.state_dict()
        networks = {"unet": unet, "text": text, "average_unet": unet, "average_text": text}
        save_checkpoint(checkpoint_path(config.work), {**networks, "optimizer": None, "step": steps(config.unet)})
    return config
