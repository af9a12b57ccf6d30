"""The rules by which the demo answers without a model: plain English in, a script out.

They know some phrases and nothing else. They keep nothing in memory, so an answer goes on after a
restart: what was asked and what has come of it is all in the request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

from chatkit_app.engine.messages import TextPart
from chatkit_app.engine.provider import ProviderRequest
from chatkit_app.engine.states import Role
from chatkit_app.providers.scripted import Call, Line, Say, Script, ScriptedProvider
from project.shop import order_wishes, wishes
from project.shop.pictures import in_words, told_of_files
from project.shop.wishes import Asked, Instead, NotYet, Refused, Wanted, Wish

WORD_SECONDS = 0.04
"""Between two words: a pace that can be read."""

TITLE_WORDS = 6
POLITE = re.compile(r"^\s*(hello|hi|please|can you|could you)[\s,]+", re.IGNORECASE)

HELP = """\
I am a script, not a model: I know some phrases and nothing else. Try one of these:

- *Find a teapot under €40 and highlight it*
- *Open the wool blanket*, or *go to my orders*
- *Put two mugs in my cart*, *what is in my cart?*, or *empty my cart*
- *Wrap my cart as a gift*
- *Make a stock report*
- *What text have I selected?*, or *note down what I have selected*
- *Add a note: tea on Friday*, or *list my notes*
- Attach a picture, a PDF or a text: I tell you what has come

With an account (in this demo anybody may be `ada`, password `ada-demo`):

- *Where is my order 1042?*
- *Cancel my order 1045*
- *Refund €15 of order 1042*, or *refund €60 of order 1038 because of a moth hole*: the staff \
approve what is above €20
- *Change the delivery of order 1046*
- *Write my yearly statement*
- *Set the stock of the bud vase to 25*, for the staff alone

Several at once are fine: *what's the status of order 1042 and what text have I selected?*"""

NUMBERS = (
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
)
PRONOUNS = {
    "it",
    "that",
    "this",
    "them",
    "one",
    "that one",
    "this one",
    "first",
    "first one",
}
FILLERS = re.compile(
    r"\b(?:an?|the|some|any|me|my|your|for|please|which|where|is|are|all|of|things?|products?"
    r"|everything|anything|pieces?)\b"
)
PRICE = re.compile(
    r"(?:for\s+)?(?:under|below|up to|at most|less than|cheaper than|no more than)\s*"
    r"(?:€|eur)?\s*(?P<price>\d{1,5}(?:[.,]\d{1,2})?)\s*(?:€|euros?|eur)?"
)
# A sentence is cut where another request begins: a note may have an "and" in it.
CUT = re.compile(
    r"(?:[,;.?!]+\s*(?:and\s+)?(?:then\s+)?|\s+(?:and\s+then|and|then)\s+)(?:please\s+)?"
    r"(?=(?:find|search|look|show|highlight|mark|put|add|buy|where|what|which|go|open|take|bring"
    r"|note|write|list|read|make|count|how|do|tell|is|are|cancel|refund|wrap|change|empty|set)\b)",
    re.IGNORECASE,
)
NOTE = re.compile(
    r"^\s*(?:please\s+)?(?:(?:add|make|take|write|leave)\s+(?:me\s+)?(?:an?\s+)?(?:new\s+)?note"
    r"|note|remember)\b(?:\s+(?:down|that|saying|of))*\s*[:,-]?\s*(?P<text>.+)",
    re.IGNORECASE | re.DOTALL,
)
ORDER = r"\D*?#?(?P<number>\d{3,9})\b"
EUROS = r"(?:€|eur\w*)?\s*(?P<amount>\d{1,5}(?:[.,]\d{1,2})?)\s*(?:€|euros?|eur)?\s+(?:of|from|for|on)\b"
PAGES = {"catalog": "catalogue", "shop": "catalogue", "basket": "cart", "order": "orders",
         "note": "notes"}  # fmt: skip


def make_provider() -> ScriptedProvider:
    """The provider for ``CHATKIT_PROVIDERS``."""
    return ScriptedProvider(rule, delay=WORD_SECONDS, title=title)


def title(request: ProviderRequest) -> Script:
    """A title for a thread: the first words of what was asked, without the politeness."""
    [part] = request.messages[0].parts
    asked = json.loads(part.text)["visitor"] if isinstance(part, TextPart) else ""
    words = POLITE.sub("", asked).split()[:TITLE_WORDS]
    said = " ".join(words).strip(" ,.;:?!")
    return (Say(said[:1].upper() + said[1:]),)


def rule(request: ProviderRequest) -> Script:
    """The next step: the calls that are still needed, or else what has come of them."""
    asked = Asked(
        request.messages[-1].parts if request.messages[-1].role != Role.USER else ()
    )
    told = told_of_files(request.messages)
    calls: list[Call] = []
    texts = _texts(request)
    heard = set(texts[-1:])
    wanted = understand(texts)
    for wish in wanted:  # it grows: by what was said instead of an approval
        try:
            told.append(wish(asked))
        except NotYet as need:
            calls += [need.call] if need.call not in calls else []
        except Refused as reason:
            told.append(str(reason))
        except Instead as said:
            words = str(said)
            told.append(f"The answer was “{words}”, so I have not done it.")
            wanted += [] if words in heard else understand([*texts, words])
            heard.add(words)
    if calls:
        return (*_opening(asked), *calls)
    return (Say("\n\n".join(told) or HELP),)


def _opening(asked: Asked) -> tuple[Line, ...]:
    return () if asked else (Say("Let me see."),)


def _texts(request: ProviderRequest) -> list[str]:
    return [
        " ".join(
            part.text
            for part in message.parts
            if isinstance(part, TextPart) and not in_words(part)
        )
        for message in request.messages
        if message.role == Role.USER
    ]


def understand(texts: Iterable[str]) -> list[Wish]:
    """The wishes of the last text; "it" is the product that was last spoken of in any of them."""
    found: list[Wish] = []
    subject: Wanted | None = None
    for text in texts:
        found = []
        for clause in _clauses(text):
            reading = _Reading(clause, subject)
            found += reading.wishes()
            subject = reading.subject
    return found


def _clauses(text: str) -> list[str]:
    """One for each request. What is to be noted goes on to the end, whatever it says."""
    is_note = NOTE.match(text) and "select" not in text.lower()
    return [text] if is_note else CUT.split(text)


class _Reading:
    """One clause, read in the light of what was spoken of before."""

    def __init__(self, clause: str, subject: Wanted | None) -> None:
        self.subject = subject
        self._clause = clause.strip().rstrip(".?!,; ")

    def wishes(self) -> list[Wish]:
        """What the first phrase that fits asks for."""
        for phrase, read in PHRASES:
            if match := phrase.search(self._clause):
                return read(self, match)
        return []

    def wanted(self, words: str) -> Wanted:
        """The products that the words mean."""
        words = words.lower()
        price = PRICE.search(words)
        if (
            words.strip() in PRONOUNS | {f"the {word}" for word in PRONOUNS}
            and self.subject
        ):
            return self.subject
        query = " ".join(FILLERS.sub(" ", PRICE.sub(" ", words)).split()).strip(" ,.?!")
        limit = float(price["price"].replace(",", ".")) if price else None
        self.subject = Wanted(query=query, max_price=limit)
        return self.subject

    def note(self, match: re.Match[str]) -> list[Wish]:
        return [wishes.note(match["text"].strip()[:2000])]

    def orders(self, match: re.Match[str]) -> list[Wish]:
        return [
            order_wishes.order(number) for number in re.findall(r"\d{1,9}", match[0])
        ]

    def cancellation(self, match: re.Match[str]) -> list[Wish]:
        return [order_wishes.cancel(match["number"])]

    def refund(self, match: re.Match[str]) -> list[Wish]:
        reason = (match["reason"] or "").strip()[:200]
        amount = float(match["amount"].replace(",", "."))
        return [order_wishes.refund(match["number"], amount, reason)]

    def delivery(self, match: re.Match[str]) -> list[Wish]:
        return [order_wishes.change_delivery(match["number"])]

    def statement(self, match: re.Match[str]) -> list[Wish]:
        year = re.search(r"\b20\d\d\b", self._clause)
        return [order_wishes.statement(int(year[0]) if year else None)]

    def stock(self, match: re.Match[str]) -> list[Wish]:
        wanted = self.wanted(match["what"])
        return [wishes.set_stock(wanted, min(int(match["count"]), 9999))]

    def page(self, match: re.Match[str]) -> list[Wish]:
        page = match["page"].lower()
        return [wishes.go(PAGES.get(page, page))]

    def product_page(self, match: re.Match[str]) -> list[Wish]:
        return [wishes.open_product(self.wanted(match["what"]))]

    def addition(self, match: re.Match[str]) -> list[Wish]:
        return [wishes.put_in_cart(self.wanted(match["what"]), _number(match["count"]))]

    def mark(self, match: re.Match[str]) -> list[Wish]:
        return [wishes.highlight(self.wanted(match["what"]))]

    def search(self, match: re.Match[str]) -> list[Wish]:
        return [wishes.search(self.wanted(match["what"]))]


def _number(word: str | None) -> int:
    """How many; one where nothing is said, and never more than a cart takes."""
    word = (word or "one").lower()
    if word.isdecimal():
        return min(max(int(word), 1), 99)
    return NUMBERS.index(word) if word in NUMBERS else 1


def _always(wish: Wish) -> Callable[[_Reading, re.Match[str]], list[Wish]]:
    return lambda _reading, _match: [wish]


# The first that fits is taken.
PHRASES: list[
    tuple[re.Pattern[str], Callable[[_Reading, re.Match[str]], list[Wish]]]
] = [
    (re.compile(phrase, re.IGNORECASE | re.DOTALL), read)
    for phrase, read in [
        (r"\b(?:note|write|remember|keep)\b.*\bselect", _always(wishes.note_selection)),
        (NOTE.pattern, _Reading.note),
        (r"\bselect", _always(wishes.read_selection)),
        (rf"\bcancel\b{ORDER}", _Reading.cancellation),
        (
            rf"\brefund\b\D*?{EUROS}{ORDER}(?:\s*[:,]?\s*(?:because(?:\s+of)?|for|as|:)\s*"
            r"(?P<reason>.+))?",
            _Reading.refund,
        ),
        (
            rf"\b(?:change|move|choose|set)\b.*?\bdelivery\b{ORDER}",
            _Reading.delivery,
        ),
        (
            r"\b(?:cancel|refund)\b|\b(?:change|move|choose)\b.*\bdelivery\b",
            _always(order_wishes.ask_for_number),
        ),
        (r"\bstatement\b", _Reading.statement),
        (r"\border\w*\b\D*\d[\d\s#,and]*", _Reading.orders),
        (r"\bwrap|\bgift\b", _always(wishes.wrap_cart)),
        (
            r"\b(?:empty|clear)\b.*\b(?:cart|basket)\b",
            _always(wishes.empty_cart),
        ),
        (
            r"\bset\s+(?:the\s+)?stock\s+(?:of|for)\s+(?P<what>.+?)\s+to\s+(?P<count>\d{1,5})\b",
            _Reading.stock,
        ),
        (
            r"\b(?:go|take|bring|open|navigate|back)\b.*?\b(?P<page>catalogue|catalog|shop|cart"
            r"|basket|orders?|notes?)\b",
            _Reading.page,
        ),
        (r"\bmy (?P<page>orders?)\b", _Reading.page),
        (r"\bnotes?\b", _always(wishes.list_notes)),
        (r"^(?:is|are)\s+(?:there\s+)?(?P<what>.+?)\s+in stock", _Reading.search),
        (r"\b(?:stock|inventory)\b", _always(wishes.count_stock)),
        (
            r"\b(?:put|add|buy)\s+(?:(?P<count>\d{1,3}|"
            + "|".join(NUMBERS)
            + r"|an?)\s+)?"
            r"(?P<what>.+?)(?:\s+(?:in|to|into)\s+(?:my|the)\s+(?:cart|basket))?$",
            _Reading.addition,
        ),
        (r"\b(?:cart|basket)\b", _always(wishes.show_cart)),
        (
            r"\b(?:highlight|mark|point (?:to|at)|show me where)\s+(?P<what>.+)",
            _Reading.mark,
        ),
        (
            r"\b(?:open|go to|take me to|bring me to)\s+(?P<what>.+)",
            _Reading.product_page,
        ),
        (
            r"\b(?:find|search(?:\s+for)?|look(?:ing)?\s+for|show|need|have|sell|there)\s+"
            r"(?P<what>.+)",
            _Reading.search,
        ),
    ]
]
