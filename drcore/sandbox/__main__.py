"""`python -m drcore.sandbox --seed N`: start the sandbox on a loopback port."""

import argparse
import gc
import importlib.util
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

# What comes with the extra `drcore[sandbox]` only, by the names they are imported by.
_EXTRA = ("moto", "aws_xray_sdk", "flask", "flask_cors", "time_machine", "werkzeug")


def main() -> None:
    """Print one JSON line with address and pid when ready; serve until told to stop, or idle.

    When it cannot serve here, the line says why (`error`), and the exit code is 2.
    """
    options = _options()
    if missing := [name for name in _EXTRA if not importlib.util.find_spec(name)]:
        error = f"the emulated world needs {', '.join(missing)}: pip install 'drcore[sandbox]'"
        sys.stdout.write(json.dumps({"error": error}) + "\n")
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    if options.faults:
        _tell_faults()
        return
    if os.environ.get("PYTHONHASHSEED") != "0":
        # moto keeps some names in sets; with hashes fixed, two runs of a seed list them in the same order.
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - this very program again
    _forget_aws()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: sys.exit(0))
    gc.disable()  # 200,000 objects are made at the start, and all of them stay

    from drcore.sandbox.core.behaviours import Behaviours, UnknownBehaviour, read_answers
    from drcore.sandbox.endpoints.application import Application
    from drcore.sandbox.endpoints.http_server import Server

    answers: Mapping[str, object] = {}
    try:
        answers = read_answers(options.answers) if options.answers else {}
    except UnknownBehaviour as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        sys.exit(2)

    sizes = {"users": options.users, "tokens_a_secret": options.tokens_a_secret}
    application = Application(options.seed, **{name: size for name, size in sizes.items() if size})
    application.world.state(Behaviours).take(answers)
    server = Server(application, options.port, options.idle_seconds)
    gc.freeze()
    gc.enable()
    sys.stdout.write(json.dumps({"address": server.address, "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
    server.serve()


def _forget_aws() -> None:
    """What a user has configured for AWS is none of an emulated one."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def _tell_faults() -> None:
    import drcore.sandbox.endpoints.application  # noqa: F401  # registers every fault
    from drcore.sandbox.core.faults import REGISTRY

    fields = {
        name: [
            {
                "name": key,
                "default": option.default,
                "help": option.help,
                "choices": list(filter(None, option.choices)),
                "span": option.span,
            }
            for key, option in fault.options.items()
        ]
        for name, fault in sorted(REGISTRY.items())
    }
    sys.stdout.write(json.dumps(fields) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="drcore.sandbox", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed is the same world")
    parser.add_argument("--faults", action="store_true", help="print what can be broken as JSON, and end")
    parser.add_argument("--answers", type=Path, help="behave as an account has answered: a file of `drcore probe`")
    parser.add_argument("--users", type=_count, help="whose configuration is kept; each has four tokens")
    parser.add_argument("--tokens-a-secret", type=_count, help="one: each token has a secret of its own")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--idle-seconds", type=float, default=600.0, help="stop when nobody speaks for so long")
    return parser.parse_args()


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, seen {text!r}")
    return int(text)


if __name__ == "__main__":
    main()
