"""What a deployment can set, each as BGEN_<NAME> in the environment. Read by entry points only, never at import."""

import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, get_args

import platformdirs
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from bgen_core.errors import UserInputError
from bgen_core.home_paths import with_home
from bgen_core.limits import MOST_MEGAPIXELS
from bgen_core.wording import not_utf8, quoted, readable

CATALOGUE = "catalogue"  # in a list of models: the program's own


class Settings(BaseSettings):
    """All settings with their defaults. `docs/deploy.md` lists them."""

    model_config = SettingsConfigDict(env_prefix="BGEN_", frozen=True, extra="ignore")

    home: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("bgen", appauthor=False)),
        description="Folder of the store: database, pictures, worker log.",
    )
    database: str = Field(
        default="", repr=False, description="SQLAlchemy address of the database; empty for SQLite in the home folder."
    )
    blobs: str = Field(
        default="", repr=False, description="Folder or fsspec address of the pictures; empty for the home folder."
    )
    auth: Literal["auto", "none", "password", "header", "oidc"] = Field(
        default="auto",
        description="How visitors of the pages are known; auto asks for the password where there is one.",
    )
    password: SecretStr | None = Field(default=None, min_length=1, description="What visitors of the pages must give.")
    admin_password: SecretStr | None = Field(default=None, min_length=1, description="What admins give in its place.")
    auth_header: str = Field(default="X-Forwarded-User", description="Header in which a proxy names the visitor.")
    trusted_proxies: str = Field(
        default="", description="Addresses and networks whose header is believed, with commas between them."
    )
    admins: str = Field(default="", description="Names of visitors who are admins, with commas between them.")
    viewers: str = Field(default="", description="Names of visitors who look and vote alone, with commas between them.")
    sharing: Literal["private", "link", "shared"] = Field(
        default="shared", description="Who sees what somebody adds, unless they say otherwise."
    )
    links: Literal["off", "login", "open"] = Field(
        default="login", description="Who may open read-only links: nobody, who is logged in, or whoever has one."
    )
    default_role: Literal["member", "viewer"] = Field(default="member", description="What visitors without a list are.")
    oidc_issuer: str = Field(default="", description="Address of the OpenID provider.")
    oidc_client_id: str = Field(default="", description="What the provider knows this program as.")
    oidc_client_secret: SecretStr | None = Field(
        default=None, min_length=1, repr=False, description="What this program proves that with."
    )
    oidc_claim: str = Field(default="email", min_length=1, description="What the lists of names name of a person.")
    model: str = Field(
        default="auto", min_length=1, description="Catalogue name, Hub id, local folder or file; auto chooses."
    )
    models_allowed: str = Field(
        default=CATALOGUE, description="Models that visitors of the pages may name, with commas between them."
    )
    device: str = "auto"
    precision: Literal["auto", "full", "half", "float8", "int8"] = Field(
        default="auto", description="Number format: half on GPUs and full on CPUs, or the same everywhere."
    )
    offload: Literal["auto", "none", "model", "group"] = Field(
        default="auto", description="What of a model waits in the machine's memory until the GPU needs it."
    )
    compile: Literal["auto", "off", "on"] = Field(
        default="auto", description="Whether networks are compiled while they paint."
    )
    workers: str = Field(
        default="", description="How many painters make sweeps at once; auto takes all GPUs, empty is one worker."
    )
    ray: str = Field(default="", description="Address of the Ray cluster that places painters, as host:6379.")
    ray_token: SecretStr | None = Field(
        default=None, min_length=16, repr=False, description="What the Ray cluster lets in."
    )
    mix_devices: bool = Field(
        default=False, description="Whether GPUs of different kinds may paint cells of one sweep."
    )
    models_kept: int = Field(default=1, ge=1, description="Most models that stay loaded at once.")
    safety_checker: bool = Field(
        default=False, description="Whether the safety checker that a checkpoint brings looks at each picture."
    )
    loras: str = Field(default="", description="Folder of LoRA files; empty for loras in the home folder.")
    ip_adapters: str = Field(
        default="", description="Folder of IP-Adapter files; empty for ip-adapters in the home folder."
    )
    depth_model: str = Field(
        default="", description="Model of depth for the control picture: Hub id or local folder; empty for none."
    )
    prompted_model: str = Field(
        default="",
        description="What finds an object at a click: Hub id or folder of a SAM or SAM 2, file of MediaPipe's "
        "interactive segmenter; empty for GrabCut.",
    )
    light_model: str = Field(
        default="",
        description="Model of light for the subject: Hub id or folder of a Stable Diffusion 1.5; empty for light "
        "without a model.",
    )
    light_offsets: str = Field(
        default="", description="What makes that model an IC-Light: a file, or REPOSITORY/FILE of the Hub."
    )
    clip_model: str = Field(default="", description="CLIP model for the prompt adherence: Hub id or local folder.")
    preference_model: str = Field(
        default="", description="CLIP model trained on people's choices, for the preference: Hub id or local folder."
    )
    max_upload_mb: float = Field(
        default=25, gt=0, allow_inf_nan=False, description="Largest photo file, in MB (10^6 bytes)."
    )
    max_megapixels: float = Field(
        default=MOST_MEGAPIXELS, gt=0, allow_inf_nan=False, description="Largest photo, in 10^6 pixels."
    )
    min_side: int = Field(default=64, ge=1, description="Shortest side of a photo, in pixels.")
    max_uploads_mb: float = Field(
        default=2000, gt=0, allow_inf_nan=False, description="Most MB of uploaded files that the server holds at once."
    )
    max_uploads_mb_each: float = Field(
        default=500, gt=0, allow_inf_nan=False, description="Most MB of one visitor's uploaded files among them."
    )
    max_sessions: int = Field(default=500, ge=2, description="Most pages that are open at once.")
    max_sessions_each: int = Field(default=50, ge=1, description="Most of them of one visitor.")
    max_cells: int = Field(default=10_000, ge=1, description="Most cells of one sweep.")
    max_queued_cells: int = Field(default=100_000, ge=1, description="Most cells that wait, of all visitors.")
    max_queued_cells_each: int = Field(default=20_000, ge=1, description="Most cells of one visitor that wait.")
    disk_reserve_mb: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="MB of the disk that the store leaves free."
    )
    near_mb: float = Field(
        default=2000, ge=0, allow_inf_nan=False, description="MB of a bucket's pictures that are kept near, as copies."
    )
    max_stored_mb: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="Most MB of pictures that the store keeps."
    )
    max_stored_mb_each: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="Most MB of pictures of one visitor's runs."
    )
    retention_days: float | None = Field(
        default=None,
        gt=0,
        le=36_500,
        allow_inf_nan=False,
        description="Days after which runs go that nobody said anything of.",
    )
    stall_minutes: float = Field(
        default=10,
        ge=1,
        allow_inf_nan=False,
        description="Minutes without any sign of progress after which a worker is replaced.",
    )
    mlflow_url: str = Field(
        default="", repr=False, description="MLflow tracking server that gets a copy of each new run; empty for none."
    )
    webhook: str = Field(default="", repr=False, description="Address that is told when a sweep has ended.")
    webhook_secret: SecretStr | None = Field(
        default=None,
        min_length=1,
        validate_default=True,
        repr=False,
        description="What messages to the webhook are signed with.",
    )
    metrics_token: SecretStr | None = Field(
        default=None, min_length=16, repr=False, description="What whoever reads /metrics from elsewhere must give."
    )
    log: Literal["text", "json"] = Field(default="text", description="Form of the server's and the worker's log.")
    public_url: str = Field(default="", description="Address at which people open the pages, for links in messages.")

    @field_validator("device")
    @classmethod
    def _check_device(cls, device: str) -> str:
        if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", device):
            raise ValueError("choose auto, cpu, mps, cuda or cuda:1")
        return device

    @field_validator("workers")
    @classmethod
    def _check_workers(cls, workers: str) -> str:
        if workers not in ("", "auto") and not re.fullmatch(r"[1-9]\d{0,3}", workers):
            raise ValueError("give a number of painters such as 2, or auto for all GPUs")
        return workers

    @field_validator("ray")
    @classmethod
    def _check_ray(cls, address: str) -> str:
        if address and not re.fullmatch(r"[\w.-]+:\d{1,5}", address):
            raise ValueError("give host and port of the cluster's head, such as 10.0.0.5:6379")
        return address

    @field_validator("models_allowed")
    @classmethod
    def _check_models(cls, models: str) -> str:
        for entry in filter(None, (piece.strip() for piece in models.split(","))):
            is_path = Path(entry).is_absolute()
            if ".." in entry.split("/") or "*" in entry.removesuffix("*") or (not is_path and entry.count("/") > 1):
                raise ValueError(f"{entry} is no name: give names, Hub ids, absolute paths, owner/* or /folder/*")
            if entry.endswith("*") and entry != "*" and not entry.endswith("/*"):
                raise ValueError(f"{entry} is no name: a star stands for a whole name, as in owner/* or /folder/*")
        return models

    @field_validator("auth_header")
    @classmethod
    def _check_header(cls, header: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^`|~-]+", header):
            raise ValueError("give the name of a header such as X-Forwarded-User, with dashes and no underscores")
        return header

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, proxies: str) -> str:
        for entry in entries_of(proxies):
            try:
                if entry != "unix":
                    ip_network(entry)
            except ValueError as error:
                raise ValueError(f"{entry} is no address: give such as 127.0.0.1, 10.0.0.0/8 or unix") from error
        return proxies

    @field_validator("oidc_issuer")
    @classmethod
    def _check_issuer(cls, url: str) -> str:
        if url and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
            raise ValueError("give an address such as https://login.example.org/realms/team")
        return url

    @field_validator("home")
    @classmethod
    def _make_absolute(cls, home: Path) -> Path:
        """One place whatever the working folder is: app, worker and command line mean the same store."""
        if not with_home(home).is_absolute():
            raise ValueError("give an absolute folder")
        return with_home(home).resolve()

    @field_validator("database")
    @classmethod
    def _check_database(cls, database: str) -> str:
        if database:
            _read_database_url(database)
        return database

    @field_validator("blobs")
    @classmethod
    def _check_blobs(cls, blobs: str) -> str:
        if blobs and "://" not in blobs and not with_home(blobs).is_absolute():
            raise ValueError("give an absolute folder, or an address such as s3://bucket/folder")
        return blobs

    @field_validator("loras", "ip_adapters")
    @classmethod
    def _check_folder(cls, folder: str) -> str:
        if folder and not with_home(folder).is_absolute():
            raise ValueError("give an absolute folder")
        return folder

    @field_validator("mlflow_url")
    @classmethod
    def _check_mlflow_url(cls, url: str) -> str:
        if url and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", url):
            raise ValueError("give an address such as http://server:5000")
        return url.rstrip("/")

    @field_validator("webhook")
    @classmethod
    def _check_webhook(cls, url: str) -> str:
        if url and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s#]*)?", url):
            raise ValueError("give an address such as https://server/path, without name and password")
        return url

    @field_validator("webhook_secret")
    @classmethod
    def _check_webhook_secret(cls, secret: SecretStr | None, given: ValidationInfo) -> SecretStr | None:
        if given.data.get("webhook") and secret is None:
            raise ValueError("messages to BGEN_WEBHOOK are signed with it")
        return secret

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, url: str) -> str:
        if url and not re.fullmatch(r"https?://[^\s/?#@]+(/[\w.~-]+)*/?", url):
            raise ValueError("give an address such as https://bgen.example.org")
        return url.rstrip("/")

    @property
    def has_painters(self) -> bool:
        """Whether sweeps are made by painters that Ray places, and not by one worker process."""
        return bool(self.workers or self.ray)

    @property
    def database_url(self) -> URL:
        """SQLAlchemy address of the store's database; a URL object, since a folder's name may hold any character."""
        if self.database:
            return _read_database_url(self.database)
        return URL.create("sqlite", database=str(self.home / "bgen.sqlite3"))

    @property
    def blob_root(self) -> str:
        """Folder or fsspec address of the pictures, named by their content."""
        if "://" in self.blobs:
            return self.blobs.rstrip("/")
        return str(with_home(self.blobs) if self.blobs else self.home / "blobs")

    @property
    def disk_reserve(self) -> int | None:
        """Bytes that stay free; None for `check_disk`'s own."""
        return None if self.disk_reserve_mb is None else round(self.disk_reserve_mb * 1e6)

    @property
    def near_bytes(self) -> int:
        """Most bytes of copies of a bucket's pictures on this machine; 0 for none."""
        return round(self.near_mb * 1e6)

    @property
    def most_stored(self) -> int | None:
        """Most bytes of pictures that the store keeps, or None."""
        return None if self.max_stored_mb is None else round(self.max_stored_mb * 1e6)

    @property
    def lora_folder(self) -> Path:
        """Where the LoRAs are that a cell names."""
        return with_home(self.loras) if self.loras else self.home / "loras"

    @property
    def ip_adapter_folder(self) -> Path:
        """Where the IP-Adapters are that a cell names."""
        return with_home(self.ip_adapters) if self.ip_adapters else self.home / "ip-adapters"


def entries_of(text: str) -> list[str]:
    """What stands between a setting's commas."""
    return [entry for entry in (piece.strip() for piece in text.split(",")) if entry]


def _read_database_url(text: str) -> URL:
    """The address with the driver that this program brings; a ValueError says what is allowed."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise ValueError("give an address such as postgresql://name:password@server/database") from error
    if url.drivername in ("postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername != "sqlite":
        raise ValueError(f"the database {url.drivername} is not known, choose postgresql:// or sqlite://")
    if not url.database or not Path(url.database).is_absolute():
        raise ValueError("give the database's file with its whole path: sqlite:////folder/bgen.sqlite3")
    return url


_SECRETS = [name for name, field in Settings.model_fields.items() if SecretStr in get_args(field.annotation)]


def load_settings(**overrides: object) -> Settings:
    """Read the settings from the environment.

    Parameters
    ----------
    **overrides
        Values that win over the environment (command-line options, tests).

    Raises
    ------
    UserInputError
        A variable has a value that is not allowed.
    """
    _check_environment()
    try:
        settings = Settings(**overrides)  # pyright: ignore[reportArgumentType]
    except ValidationError as error:
        first = error.errors()[0]
        reason = str(first["msg"]).removeprefix("Value error, ")
        if first["type"] in ("too_short", "string_too_short"):
            fewest = first.get("ctx", {})["min_length"]
            reason = f"give at least {fewest} character{'s' * (fewest > 1)}, not {len(first['input'])}"
        field = "_".join(str(part) for part in first["loc"])
        name = f"BGEN_{field.upper()}"
        # Errors end up in logs: a secret does not, nor the password in the address of a database or a server.
        given = re.sub(r"(//[^:/@]*):[^@]*@", r"\1:***@", quoted(first["input"]))
        shown = "***" if field in _SECRETS and first["input"] else given
        raise UserInputError(f"{name}={shown} is not allowed: {reason}.") from error
    if bad := not_utf8(str(settings.home)):
        raise UserInputError(f"The folder of the store holds bytes that are no UTF-8 ({bad}): set BGEN_HOME.")
    return settings


def _check_environment() -> None:
    """Refuse bytes that are no UTF-8, and show them alone: a setting may be a password."""
    for name, value in os.environ.items():
        if name.upper().startswith("BGEN_") and not_utf8(value):
            bad = ", ".join(dict.fromkeys(readable(letter) for letter in value if not_utf8(letter)))
            raise UserInputError(f"{readable(name)} holds bytes that are no UTF-8 ({bad}): write it in UTF-8.")
