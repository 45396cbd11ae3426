"""The command `drcore` from its first moment: signals are heard before anything else is imported."""

from __future__ import annotations

from drcore.headless import signals


def main() -> None:
    """The entry point of the command `drcore`."""
    signals.listen()
    try:
        from drcore.cli import main as command

        command()
    finally:
        signals.leave(_tell)


def _tell(how: str, code: int) -> None:
    import json
    import sys

    sys.stderr.write(f"drcore: {how}\n")
    if "--json" in sys.argv:
        sys.stdout.write(json.dumps({"error": "Stopped", "message": how, "exit": code}) + "\n")


if __name__ == "__main__":
    main()
