"""Every template with extreme values, and a team's own over them."""

import logging
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jinja2 import PackageLoader, meta, nodes

from watchkeeper import rendering
from watchkeeper.channels.blocks import blocks_of, context, escape
from watchkeeper.channels.voice import twiml
from watchkeeper.doctor import Verdict, examine_templates
from watchkeeper.messages import GSM, SMS_LENGTH, fit_sms, handover, page, spoken
from watchkeeper.paging.model import Button, Message
from watchkeeper.rendering import environment, is_plain, one_line, render, team_environment, use_templates
from watchkeeper.samples import AT, LINK, sample_incident, sample_values

NAMES = [name for name in environment().list_templates() if name.startswith(("messages/", "status/"))]
WHOLE = [name for name in NAMES if not name.endswith(("macros.html.j2", "base.html.j2"))]
EXTREMES = {
    "empty": "",
    "long": "Backend is down. " * 600,
    "emoji": "\N{FIRE}\N{FAMILY}\u200d\N{GIRL} \N{COLLISION SYMBOL}",
    "markup": "</p><script>alert(1)</script><img src=x onerror=alert(1)> <!channel> <https://evil.test|ok> {{ 7*7 }}",
    "right to left": "\u202e\N{HEBREW LETTER BET}\N{HEBREW LETTER ALEF}\u202c abc",
    "breaks": "down\r\nForged: https://evil.test\n\n# Forged\u2028Forged: x\x00\x07",
}


class Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The team's templates, in use."""
    monkeypatch.setattr(rendering, "_folders", [])
    use_templates(tmp_path)
    (tmp_path / "messages").mkdir()
    return tmp_path


def test_there_is_a_sample_for_everything_that_a_template_shows() -> None:
    known = set(sample_values("x"))
    for name in WHOLE:
        source = PackageLoader("watchkeeper").get_source(environment(), name)[0]
        parsed = environment().parse(source)
        imported = {str(each) for node in parsed.find_all(nodes.FromImport) for each in node.names}
        assert meta.find_undeclared_variables(parsed) - imported <= known, name


@pytest.mark.parametrize("words", EXTREMES.values(), ids=EXTREMES)
@pytest.mark.parametrize("name", WHOLE)
def test_each_template_takes_extreme_values(name: str, words: str, tmp_path: Path) -> None:
    text = render(name, **sample_values(words))
    team = team_environment(tmp_path, plain=is_plain(name))
    assert text == team.get_template(name).render(**sample_values(words))
    assert "49" not in text or "{{" not in words, "what is shown is not run"
    if name.endswith(".html.j2"):
        seen = Tags()
        seen.feed(text)
        assert not seen.tags & {"script", "img"} and "onerror" not in seen.attributes


@pytest.mark.parametrize("name", [n for n in WHOLE if n.endswith(".txt.j2")])
def test_no_strangers_line_break_makes_a_line_of_ours(name: str) -> None:
    values = sample_values(EXTREMES["breaks"]) | {"mail_text": ""}
    text = render(name, **values)
    assert not re.search(r"^(Forged|# Forged)", text, re.MULTILINE), text
    assert not re.search("[\x00\x07\u202e]", text)


@pytest.mark.parametrize("words", EXTREMES.values(), ids=EXTREMES)
def test_a_text_message_is_one_segment_and_keeps_its_link(words: str) -> None:
    for short in (fit_sms(words, LINK), a_page(words).short, a_handover(words).short):
        assert len(short) <= SMS_LENGTH and set(short) <= GSM
    assert fit_sms(words, LINK).endswith(LINK)


@pytest.mark.parametrize("words", EXTREMES.values(), ids=EXTREMES)
def test_a_call_reads_words_and_obeys_none(words: str) -> None:
    said = spoken(sample_incident(words), f"P0 INC-0007: {words}")
    message = Message(subject="s", text="t", short="s", spoken=said, link="https://watch.test/a/1.sig")
    script = ElementTree.fromstring(twiml(message))  # noqa: S314  # our own script
    assert {element.tag for element in script.iter()} == {"Response", "Gather", "Say", "Hangup"}


CHAT = {
    "mentions": "@here @channel,@everyone <!here> <@U0BEN> see #general",
    "hidden link": "<https://evil.test/?a=<!here>&b|https://watch.test/a/1.sig> https://evil.test/_x_|ok",
    "formats": "*bold* _sly_ ~gone~ `rm -rf` ```all``` (*bold*) *_both_* a_b c*d",
}


@pytest.mark.parametrize("words", [*EXTREMES.values(), *CHAT.values()], ids=[*EXTREMES, *CHAT])
def test_chat_shows_no_mention_and_no_hidden_link(words: str) -> None:
    text = a_page(words).text
    assert not re.search("[<>]", escape(text))
    with_button = a_page(words).model_copy(update={"buttons": [Button(label="On it", verb="a", value="7")]})
    (section, _) = blocks_of(with_button) or []
    for shown in (section["text"], context(words)["elements"][0]):
        assert (shown["type"], shown["verbatim"]) == ("mrkdwn", True)
        assert len(shown["text"]) <= 3000
        assert not re.search("[<>]", re.sub(r"<https?://[^<>|\s]+>", "", shown["text"])), (
            "a link shows itself"
        )
    for shown in (escape(text), section["text"]["text"], context(words)["elements"][0]["text"]):
        ours = re.sub(r"https?://\S+", "", shown)
        assert not re.search(r"@(here|channel|everyone)|#\w|(?<!\u2060)`|`(?!\u2060)", ours)
        assert not re.search(r"(?<![\w\u2060*_~])[*_~]|[*_~](?![\w\u2060*_~])", ours), (
            "no markup at a word's edge"
        )


def test_chat_leaves_words_and_addresses_as_they_are() -> None:
    link = "https://watch.test/a/x_.-_y~"
    assert escape(f"a_b 2*3 ana@example.com {link}") == f"a_b 2*3 ana@example.com {link}"
    assert context(f"See {link}.")["elements"][0]["text"] == f"See <{link}>."


def a_page(words: str) -> Message:
    incident = sample_incident(words)
    return page(incident, words, now=AT, acknowledge_link=LINK, incident_link=LINK, doing=words)


def a_handover(words: str) -> Message:
    return handover(sample_incident(words), now=AT, why=words, findings=[], tried=[], incident_link=LINK)


def test_what_turns_or_ends_a_line_is_left_out_and_emoji_stay_whole() -> None:
    assert one_line("a\u202eb\x00c\x1bd") == "a b c d"
    assert one_line("\N{MAN}\u200d\N{ROCKET}") == "\N{MAN}\u200d\N{ROCKET}"


def test_a_teams_template_is_used_and_the_others_stay(folder: Path) -> None:
    (folder / "messages/page.txt.j2").write_text("Wake up, {{ person }}: {{ incident.summary|one_line }}\n")
    (folder / "messages/page.short.j2").write_text("{{ incident.number }} ist kaputt")
    (folder / "messages/page.subject.j2").write_text("Kaputt: {{ incident.number }}\nBcc: eve@evil.test")
    told = a_page("Backend is down")
    assert told.text == "Wake up, Backend is down: Backend is down\n"
    assert told.short.startswith("INC-0007 ist kaputt") and told.short.endswith(LINK)
    assert told.subject == "Kaputt: INC-0007 Bcc: eve@evil.test"
    assert "you are on call" in (told.html or "")


@pytest.mark.parametrize(
    "wrong",
    [
        "{% if %}",
        "{{ nobody_knows_this }}",
        "{{ incident.nothing.at_all }}",
        "{{ 1 // 0 }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ incident.policy.update(a=1) }}",
        "{% include 'messages/none.j2' %}",
        "{% include 'messages/page.txt.j2' %}",
        "{% for each in range(1000000000) %}x{% endfor %}",
        "\udcff",
    ],
)
def test_a_broken_one_gives_way_and_is_told(
    folder: Path, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "messages/page.txt.j2").write_bytes(wrong.encode(errors="surrogateescape"))
    with caplog.at_level(logging.ERROR):
        assert a_page("Backend is down").text.startswith("Backend is down, you are on call.")
    assert "the team's messages/page.txt.j2" in caplog.text
    (examined,) = examine_templates(folder)
    assert examined.verdict is Verdict.WARNING and "the shipped one is used" in examined.text


def test_the_doctor_tries_each_and_names_what_nothing_asks_for(folder: Path) -> None:
    assert list(examine_templates(None)) == []
    (folder / "messages/page.txt.j2").write_text("{{ person }}")
    (folder / "messages/pgae.txt.j2").write_text("{{ person }}")
    good, unknown = examine_templates(folder)
    assert (good.what, good.verdict) == ("template messages/page.txt.j2", Verdict.OK)
    assert unknown.verdict is Verdict.WARNING and "messages/page.txt.j2" in unknown.text
