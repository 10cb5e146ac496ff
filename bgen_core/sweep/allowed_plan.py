"""Whether visitors may have a plan made: its models, and what it would fetch from the Hub beside them."""

from bgen_core.models.allowed_models import allowed_models
from bgen_core.models.steering import ip_adapters, loras
from bgen_core.models.steering.weight_files import file_in_folder
from bgen_core.settings import Settings
from bgen_core.sweep.plan import SweepPlan


def check_allowed(plan: SweepPlan, settings: Settings) -> None:
    """Refuse what is not on the operator's list before anything is looked for; files of its own folders are allowed.

    Raises
    ------
    UserInputError
        Names the model, LoRA or IP-Adapter.
    """
    allowed = allowed_models(settings)
    allowed.check(plan.models)
    named = dict.fromkeys(each.name for text in plan.values_of("loras") for each in loras.read_loras(text))
    for name in named:
        if file_in_folder(name, settings.lora_folder) is None:
            allowed.check(_repository(loras.hub_repository(name)), "LoRA of the Hub")
    for name in dict.fromkeys(plan.values_of("ip_adapter")):
        if name and file_in_folder(name, settings.ip_adapter_folder) is None:
            allowed.check(_repository(ip_adapters.hub_repository(name)), "IP-Adapter of the Hub")


def _repository(found: str | None) -> tuple[str, ...]:
    return () if found is None else (found,)
