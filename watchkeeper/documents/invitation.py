"""The meeting over a post-mortem: when it can be, and its invitation as iCalendar. Pure.

Source:
    https://www.rfc-editor.org/rfc/rfc5546 (iTIP: REQUEST, CANCEL, UID and SEQUENCE)
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from icalendar import Calendar as ICalendar
from icalendar import Event, vCalAddress, vText

from watchkeeper.model import Incident
from watchkeeper.paging.model import Attachment
from watchkeeper.policy.calendar import Calendar
from watchkeeper.rendering import one_line

STEP = timedelta(minutes=30)
FILE_NAME = "invitation.ics"


def find_slot(calendar: Calendar, *, minutes: int, earliest: datetime, latest: datetime) -> datetime | None:
    """The first time from `earliest` on, on the half hour, at which a meeting fits into business hours and is over by
    `latest`; None where none does."""
    length = timedelta(minutes=minutes)
    at = _next_start(calendar, earliest)
    while at is not None and at + length <= latest:
        if calendar.is_business_time(at) and at + length <= _closing(calendar, at):
            return at
        at = _next_start(calendar, at + STEP)
    return None


def _next_start(calendar: Calendar, at: datetime) -> datetime | None:
    try:
        opens = calendar.next_business_time(at).astimezone(UTC)
    except ValueError:
        return None
    midnight = opens.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + -(-(opens - midnight) // STEP) * STEP


def _closing(calendar: Calendar, at: datetime) -> datetime:
    return calendar.at(calendar.local(at).date(), calendar.business_hours.ends)


def invitation(
    incident: Incident,
    *,
    starts_at: datetime,
    minutes: int,
    number: int,
    organizer: str,
    attendees: Mapping[str, str],
    now: datetime,
    cancelled: bool = False,
) -> Attachment:
    """An invitation that replaces those with lower numbers, or takes the meeting back.

    Args:
        organizer: an email address.
        attendees: names by email address.
    """
    event = Event()
    event.add("uid", uid_of(incident))
    event.add("sequence", number)
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", starts_at.astimezone(UTC))
    event.add("dtend", starts_at.astimezone(UTC) + timedelta(minutes=minutes))
    event.add("summary", one_line(f"Post-mortem of {incident.number}: {incident.summary}")[:200])
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("organizer", vCalAddress(f"mailto:{organizer}"))
    for address, name in attendees.items():
        event.add("attendee", _attendee(address, name), encode=False)
    calendar = ICalendar()
    calendar.add("prodid", "-//Watchkeeper//Post-mortems//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if cancelled else "REQUEST")
    calendar.add_component(event)
    return Attachment(name=FILE_NAME, type="text/calendar", text=calendar.to_ical().decode())


def uid_of(incident: Incident) -> str:
    """The same for every invitation to this meeting; with the time, for numbers start anew with a new store."""
    return (
        f"{incident.number.lower()}-{incident.detected_at.astimezone(UTC):%Y%m%dT%H%M%S}-review@watchkeeper"
    )


def _attendee(address: str, name: str) -> vCalAddress:
    attendee = vCalAddress(f"mailto:{address}")
    attendee.params["CN"] = vText(one_line(name))
    attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
    attendee.params["PARTSTAT"] = vText("NEEDS-ACTION")
    attendee.params["RSVP"] = vText("TRUE")
    return attendee
