"""The private keys of SyncWell's accounts at the stores. They open nothing but these stand-ins.

Written out, as making them anew at each start of a world would cost more than everything else of it.
"""

import textwrap

_PLAY = (
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCvAX+UcXz5WRZKMaIeUrNiv22pKzf2IFme+gcASeI/7FZg"
    "t6h4J4sJEDPmD+33RWtMHn90SN1coJ7b2olVLaVm4dS5hqMi1dNctWm7djOZDDa6n7Df6b23biPIeUEXen9Dr27N0R8IilmO"
    "HX+iO2uwkTJGydrDBeoGE7OpFT3KQhFS9CguirDjEcjXRfChfRfDrO4LClpF3/hFaJksterVhb/7YmFKP/vPvP6pbbCo5jiF"
    "lwGMXIsP3GMipRYOGH1YIfbWqaLisV+gdiW8OcUjLLNFg4GYAvXGvEkYUVKOmYrGmaZjrG6sC6c7wXCmhEYfoUUHJdJ+akaY"
    "KBDpr1exAgMBAAECggEAP4sXu9qJOjByu3XSG5iDsfM36hjbNO8CG4tFR4GMORGjO3L0JMyW2y+a6IoYKZR3JShdtudOGPfp"
    "NoLfIqJ0UCrnhoWwblGdcSgdwAdnLMcWiCS7oFHKpPPE4mHElLXRx83HOcwYrI0vfz6OvWU98NqHmtRoLi/TjWlR7q7bxLgl"
    "5gh0dVIlkX0ZqR0fQAq4T6g9BrG0w+5euw7Knx0QrEBltlLQ63OfV6Jixhk2ZRyi3gqgtHSrCT4Vq340YxrPcgZtsHcC1YD2"
    "Gtfeb2lqqwudY+l3TvWCYHbm++J5rqpeJY54x+YgkDxgYulF4LPt4WnW46mue1AGL1IDkgMzUQKBgQDrZ2rlkQic4E5mh//5"
    "d/cjFxJskgetim6ULPjFhRhIqMYH87ZeJwjgkDb5wpm5jMyUsoOXXe6Mq+ynbmW89b3wA1N9Hn7U0gtMoksCVoUNmMmQqoB3"
    "C1XeLaIPqJ+b4trT1NngzuGDPp9s/8v7t7dTAMVDybUi9V3lb88hrwxw3wKBgQC+UUhXKmlNrZ3IZt5A3T+jDyRU0QaCrADr"
    "KK/MRpS6Y01yVMfGvRfrv5HIvLMKRviMV9CZT87dfjeb7d6GvQwpnbnzunC9ffQNnaslYm/ivXw36WLiAiVafgVyFH4k0lgz"
    "3kqyyyeFPjTAgMr5qqkpdMFSTAWkE/kgvr5fty95bwKBgEtdotW4p19CWRdudz9xbwgm/NkRr6+Z4GlENKlYQTwR/MTS/BIM"
    "wUTUJyWzbe//6ge5V3QAuL0E1hGMwLnMm3DaP8KRHt4YGVIBq64l8Rc3UWEllVeHo4gsZ/RHckJAUPr87HyS/5Q7WmNVSgNf"
    "ACxs1LstOvbkQ5mPQGtyVbNVAoGASh72AZyu7mXTsZz+qlyA0EyxZacS1gmPQgbSkMhcXEsYepKyS6CRlGtDp952DGafnmkF"
    "APCoLHNfzQbTR76Q4hRfu6C9D8/iIPtrEGBKGxCZNF1c+ZDEY335OPjqOAUD/Q9yIDgm6CnV+bMvWhUxVMf4Eskw2To+KJah"
    "Jj3961kCgYEAwKBlwraxo9172XrAWWYrz9PN2KnxKfj553xDbNSP8U1ZTuoQX2UIy3XxOGSuwu9VhjnJJaIoh6b0+wLGs/Bd"
    "QI8z3oUdDwkxIlVtzZDoJHyPs6vahbrfWXBv1Hg5ydq8pPueuDqUTKlS3hQ1TYF2vADhfQ4B1Ee6dhKAHrl1EqY="
)
_APP_STORE = (
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgOypz87io2Nv1yNPFqZFUg0WsKmZlT/7iVBa/c/oaJVuhRANC"
    "AAQRZu9Bw+pSIRsu4GYOdGMS4ds6LgdJoY09HyogbOLBiOJv39sCX0hJ8P2r8rqz058L4twZP9G0qIIahaavmuN2"
)


def play_key() -> str:
    """The key of the service account at Google Play: RSA, 2048 bits, in PEM."""
    return _pem(_PLAY)


def app_store_key() -> str:
    """The key for App Store Connect, as the .p8 file that Apple hands out once: P-256, in PEM."""
    return _pem(_APP_STORE)


def _pem(body: str) -> str:
    kind = "PRIVATE KEY"
    return "\n".join([f"-----BEGIN {kind}-----", *textwrap.wrap(body, 64), f"-----END {kind}-----", ""])
