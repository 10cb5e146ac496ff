"""The UNet and the noise schedule."""

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel

from training.config import TextConfig, UnetConfig


def build_unet(config: UnetConfig, text: TextConfig) -> UNet2DConditionModel:
    """Make the untrained inpainting UNet: nine channels in (noisy, mask, masked picture), four out.

    Words are attended to at the two coarsest levels: at finer ones attention costs most, and layout is settled.
    """
    torch.manual_seed(config.seed)
    finest = len(config.channels) - 2
    return UNet2DConditionModel(
        sample_size=64,
        in_channels=9,
        out_channels=4,
        down_block_types=(*("DownBlock2D",) * finest, "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", *("UpBlock2D",) * finest),
        block_out_channels=config.channels,
        layers_per_block=config.layers_per_block,
        time_embedding_dim=4 * config.channels[1],
        cross_attention_dim=text.width,
        attention_head_dim=config.heads,
        norm_num_groups=config.groups,
        use_linear_projection=True,
    )


def build_scheduler() -> DDIMScheduler:
    """DDIM on a schedule that begins as Stable Diffusion's and ends stronger, down to pure noise.

    A latent stands for 4 x 4 pixels here, not for 8 x 8, and the mean of four noises is half as strong: layout would be
    decided in too few steps (Hoogeboom et al., "simple diffusion", 2023).
    Without zero terminal SNR a sample's mean brightness leaks from the noise and nights turn grey
    (Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed", 2023); that needs
    v-prediction and trailing steps.
    """
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.0185,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        rescale_betas_zero_snr=True,
    )
