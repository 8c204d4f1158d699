"""Whether a service here is ready, for container health checks: exit code 0 or 1, and the reason in one line.

`python -m griddispatch.health 8001` is the same without the weight of the whole command line.
"""

import sys
from http.client import HTTPConnection, HTTPException
from typing import Final

ANSWER_S: Final = 4.0
READY: Final = 200


def ask(port: int, host: str = "127.0.0.1", path: str = "/readyz") -> tuple[bool, str]:
    """Whether the service answers that it is ready, and what it said."""
    connection = HTTPConnection(host, port, timeout=ANSWER_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status == READY, answer.read(2000).decode("utf-8", "replace")
    except (OSError, HTTPException) as error:
        return False, f"no answer on port {port}: {type(error).__name__}"
    finally:
        connection.close()


def main() -> None:
    """For `python -m griddispatch.health PORT`."""
    ready, said = ask(int(sys.argv[1]))
    print(said)
    sys.exit(0 if ready else 1)


if __name__ == "__main__":
    main()
