"""The pictures of emails: every email that has a template is drawn."""

from tools.show_messages import emails
from watchkeeper.rendering import environment

# For chat, the status page, a phone, a vendor's form; and parts of others.
NO_EMAILS = ("announcement", "approval_post", "public_", "customers_", "support", "wake_short", "wake_spoken")


def test_every_email_that_has_a_template_is_drawn() -> None:
    texts = {
        name.removeprefix("messages/").removesuffix(".txt.j2")
        for name in environment().list_templates()
        if name.startswith("messages/") and name.endswith(".txt.j2")
    }
    assert {name for name in texts if not name.startswith(NO_EMAILS)} <= set(emails())
