"""`gesso serve`: a model over HTTP."""

import signal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from gesso.cli import options
from gesso.cli.output import remark
from gesso.errors import SettingError

LISTENING, ACCESS, LIMITS, LOG = "Listening", "Access", "Limits", "Log"

ENVIRONMENT = {"auto_envvar_prefix": "GESSO"}
"""Makes every option an environment variable too: --max-running is GESSO_MAX_RUNNING."""


class LogFormat(StrEnum):
    """Lines of the log: for people, or for programs."""

    TEXT = "text"
    JSON = "json"


def _read_config(context: Any, path: Path | None) -> Path | None:
    """Let a YAML file give what no word and no environment variable does.

    The context is typer's, which has no class of its own that all releases share.
    """
    if path is None:
        return None
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise SettingError(f"the configuration {path} cannot be read as YAML ({reason}); correct it") from error
    if not isinstance(content, dict):
        raise SettingError(f"the configuration {path} is not a table; write lines such as 'port: 8000'")
    known = {parameter.name for parameter in context.command.params if parameter.name} - {"config"}
    given = {str(name).replace("-", "_"): value for name, value in content.items()}
    if unknown := sorted(given.keys() - known):
        raise SettingError(
            f"the configuration {path} has {unknown[0]!r}; names are those of the options: {', '.join(sorted(known))}"
        )
    context.default_map = given
    return path


def _option(name: str, meaning: str, panel: str, **more: Any) -> Any:
    return typer.Option(name, help=meaning, rich_help_panel=panel, **more)


def serve(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="'bundled', a folder, or a hub id.", envvar="GESSO_MODEL")
    ] = "bundled",
    config: Annotated[
        Path | None,
        typer.Option("--config", help="YAML file with any of these options.", is_eager=True, callback=_read_config),
    ] = None,
    host: Annotated[str, _option("--host", "Address to listen on.", LISTENING)] = "127.0.0.1",
    port: Annotated[int, _option("--port", "Port to listen on; 0 takes a free one.", LISTENING)] = 8000,
    tls_certificate: Annotated[
        Path | None, _option("--tls-certificate", "PEM file of the certificate chain, for HTTPS.", LISTENING)
    ] = None,
    tls_key: Annotated[
        Path | None, _option("--tls-key", "PEM file of the certificate's private key.", LISTENING)
    ] = None,
    served_name: Annotated[str | None, _option("--served-name", "What clients call the model.", ACCESS)] = None,
    api_keys: Annotated[
        list[str] | None, _option("--api-keys", "A key that lets clients in; may be repeated.", ACCESS)
    ] = None,
    api_key_file: Annotated[Path | None, _option("--api-key-file", "File with such keys, one a line.", ACCESS)] = None,
    cors_origins: Annotated[
        list[str] | None, _option("--cors-origins", "Origin whose pages may call; may be repeated.", ACCESS)
    ] = None,
    max_running: Annotated[int, _option("--max-running", "Texts written at a time.", LIMITS)] = 8,
    max_queued_requests: Annotated[
        int, _option("--max-queued-requests", "Texts that may wait; one more is refused.", LIMITS)
    ] = 64,
    max_queued_tokens: Annotated[
        int, _option("--max-queued-tokens", "Tokens of the texts that wait.", LIMITS)
    ] = 200_000,
    max_body_bytes: Annotated[int, _option("--max-body-bytes", "Largest body of a request.", LIMITS)] = 2_000_000,
    max_prompt_tokens: Annotated[
        int | None, _option("--max-prompt-tokens", "Longest prompt; else what the context holds.", LIMITS)
    ] = None,
    request_timeout_s: Annotated[float, _option("--request-timeout-s", "Longest time for an answer.", LIMITS)] = 600.0,
    body_timeout_s: Annotated[float, _option("--body-timeout-s", "Longest time for a body to arrive.", LIMITS)] = 30.0,
    drain_timeout_s: Annotated[
        float, _option("--drain-timeout-s", "When ended, time for texts in progress.", LIMITS)
    ] = 30.0,
    ping_interval_s: Annotated[
        float, _option("--ping-interval-s", "Silence of a stream that a comment breaks.", LIMITS)
    ] = 10.0,
    log_format: Annotated[LogFormat, _option("--log-format", "Lines of the log.", LOG)] = LogFormat.TEXT,
    otlp_endpoint: Annotated[
        str | None,
        typer.Option(
            "--otlp-endpoint",
            help="Collector of OpenTelemetry, such as http://localhost:4318.",
            envvar=["GESSO_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
            rich_help_panel=LOG,
        ),
    ] = None,
    dtype: options.DtypeOption = options.Dtype.AUTO,
    quantize: options.Quantize = None,
    device: options.Device = "auto",
    compile: options.Compile = False,
    revision: options.Revision = None,
    adapter: options.Adapter = None,
    offline: options.Offline = False,
) -> None:
    """Serve a model to the clients of OpenAI, Anthropic and llama.cpp, and a page at /.

    Each option is also an environment variable (GESSO_MAX_RUNNING for --max-running) and a name in the --config file.
    A word goes before the environment, and the environment before the file.

    Examples:
        gesso serve
        gesso serve path/to/model --port 9000 --api-key-file keys.txt
        GESSO_PORT=9000 gesso serve --config server.yaml
    """
    from gesso.server.settings import ServerSettings, read_api_keys

    settings = ServerSettings(
        host=host,
        port=port,
        served_name=served_name,
        api_keys=read_api_keys(api_keys or (), api_key_file),
        cors_origins=tuple(cors_origins or ()),
        tls_certificate=tls_certificate,
        tls_key=tls_key,
        max_running=max_running,
        max_queued_requests=max_queued_requests,
        max_queued_tokens=max_queued_tokens,
        max_body_bytes=max_body_bytes,
        max_prompt_tokens=max_prompt_tokens,
        request_timeout_s=request_timeout_s,
        body_timeout_s=body_timeout_s,
        drain_timeout_s=drain_timeout_s,
        ping_interval_s=ping_interval_s,
        log_format=log_format.value,
        otlp_endpoint=otlp_endpoint,
    )

    # Only now, so that help and refusals need not wait for torch.
    from gesso.cli.loading import load_model
    from gesso.server import listen, log
    from gesso.server.app import create_app
    from gesso.server.tracing import tracing_to

    tracing = tracing_to(settings.otlp_endpoint)
    with listen.bind(settings) as listener:
        lm = load_model(
            model,
            dtype=dtype,
            device=device,
            revision=revision,
            offline=offline,
            quiet=False,
            adapter=adapter,
            compile=compile,
            quantize=quantize,
        )
        log.configure(settings.log_format)
        app = create_app(lm, settings, tracing=tracing)
        server = listen.make_server(app, settings)
        listener.listen()  # from here on nobody is turned away
        place = f"{app.state.service.name} at {listen.url(settings, listener)}"
        remark(f"serving {place} ({_who(settings)}); Ctrl-C ends it")
        ended = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the server hears it itself, and leaves in good order
        try:
            server.run(sockets=[listener])
        finally:
            signal.signal(signal.SIGTERM, ended)


def _who(settings: Any) -> str:
    """Who can reach the server."""
    keys = "with an API key" if settings.api_keys else "without an API key"
    if settings.is_local:
        return f"from this computer only, {keys}; --host 0.0.0.0 lets others in"
    return f"from other computers too, {keys}"
