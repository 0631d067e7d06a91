"""The words of reports in English, Russian and Kyrgyz.

English is the source; the others are gettext catalogues under ``reports/locale``, read directly
from their ``.po`` files so that nothing compiled needs to be kept. Requirement statements and
reasons stay in the language of the catalogue, English, so that no translation changes a limit.
"""

from __future__ import annotations

from collections.abc import Callable

from babel.messages.pofile import read_po

from kalys.errors import ConfigurationError, choice
from kalys.resources import resource

LANGUAGES = ("en", "ru", "ky")
Translate = Callable[[str], str]


def translator(lang: str) -> Translate:
    """A function from English to ``lang``; ConfigurationError for a language there is not."""
    if lang not in LANGUAGES:
        raise ConfigurationError(
            f"there is no report in {lang!r}", where="--lang", remedy=choice(lang, LANGUAGES)
        )
    if lang == "en":
        return lambda text: text
    with resource("reports", "locale", f"{lang}.po").open("rb") as file:
        catalogue = read_po(file, locale=lang)
    words = {str(message.id): str(message.string) for message in catalogue if message.string}
    return lambda text: words.get(text, text)
