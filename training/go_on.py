"""Go on from the exported model where the work folder has nothing yet."""

from dataclasses import replace

from training.checkpoints import save_checkpoint, save_folder
from training.config import Config
from training.sampling import load_pipeline
from training.train_unet import checkpoint_path, steps
from training.train_vae import KNOWN
from training.unet import deepen_unet

_MARK = "went_on"  # an empty file in the work folder of a run that began with exported networks
_NETWORKS = (KNOWN, "vae", "vae.pt", "decoder", "decoder.pt", "text_encoder", "latents", "latents.pt", "unet.pt")


def check_beginning(config: Config, *, goes_on: bool) -> None:
    """Make sure that the networks in the work folder began as this run's would: their latents differ.

    Raises
    ------
    ValueError
        The folder's began otherwise; the sentence says what to do.
    """
    found = [name for name in _NETWORKS if (config.work / name).exists()]
    if goes_on and found and not (config.work / _MARK).exists():
        raise ValueError(
            f"{config.work} holds a run that began from nothing: leave --go-on out, or remove {', '.join(found)}"
        )
    if not goes_on and (config.work / _MARK).exists():
        raise ValueError(
            f"{config.work} holds a run that began with --go-on: give it again, or remove {', '.join((*found, _MARK))}"
        )


def go_on_from_export(config: Config) -> Config:
    """Put the exported networks in the work folder as if the stages that made them had just ended there.

    What an export does not hold, the optimisers' memory, starts anew. Networks that the work folder has are left.
    An autoencoder that is given time learns on as well, at half the rate of one that knows nothing; a UNet that is
    given none is as good as trained.

    Returns
    -------
    Config
        The run with the exported UNet's channels; where that has fewer layers than the run's, it is deepened. Whatever
        more it learns, it learns at full resolution.
    """
    pipeline = load_pipeline(config.export)
    channels = tuple(pipeline.unet.config.block_out_channels)
    config = replace(config, unet=replace(config.unet, channels=channels, low_share=0.0))
    config.work.mkdir(parents=True, exist_ok=True)
    (config.work / _MARK).touch()
    learns_on = config.vae.seconds is not None
    if learns_on:
        config = replace(config, vae=replace(config.vae, learning_rate=config.vae.learning_rate / 2))
    if not (config.work / "vae").exists() and not (learns_on and (config.work / KNOWN).exists()):
        save_folder(config.work / (KNOWN if learns_on else "vae"), pipeline.vae)
    if not (config.work / "text_encoder").exists():
        save_folder(config.work / "text_encoder", pipeline.text_encoder)
    if not checkpoint_path(config.work).exists():
        unet = deepen_unet(pipeline.unet, config.unet, config.text).state_dict()
        text = pipeline.text_encoder.state_dict()
        networks = {"unet": unet, "text": text, "average_unet": unet, "average_text": text}
        # As if it had learned what a run buys, so that its averages do not begin anew.
        save_checkpoint(checkpoint_path(config.work), {**networks, "optimizer": None, "step": steps(config.unet)})
    if config.unet.seconds is None:
        # What samples buy differs between devices, and would be learned on the other one.
        config = replace(config, unet=replace(config.unet, low_samples=0, samples=0))
    return config
