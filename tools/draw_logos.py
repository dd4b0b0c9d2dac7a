"""Draws the blocks' logos: two letters on a plain colour each, nobody's trademark.

Run it from the checkout, `.venv/bin/python tools/draw_logos.py`, and keep what it writes: the wheel ships the files.
"""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FOLDER = Path(__file__).resolve().parent.parent / "watchkeeper" / "logos"
SIDE, LETTER_SIZE = 128, 64

# White on each of these has a contrast of more than 4.5 to 1.
LOGOS = {
    "github": ("Gh", "#24292f"),
    "gemini": ("Ge", "#1a56c4"),
    "postgres": ("Po", "#1d5b8c"),
    "railway": ("Ra", "#6b21a8"),
    "redis": ("Re", "#b3261e"),
    "removebg": ("Rb", "#7a4b00"),
    "sendgrid": ("Sg", "#0f62aa"),
    "sentry": ("Se", "#37305c"),
    "slack": ("Sl", "#4a154b"),
    "stripe": ("St", "#4a3fc4"),
    "supabase": ("Su", "#146c43"),
    "twilio": ("Tw", "#c4152b"),
    "upstash": ("Us", "#00694d"),
    "uptimerobot": ("Up", "#17702f"),
    "vercel": ("Ve", "#1f1f1f"),
}


def draw(letters: str, colour: str) -> Image.Image:
    """The letters in white, in the middle of a square."""
    logo = Image.new("RGB", (SIDE, SIDE), colour)
    font = ImageFont.load_default(size=LETTER_SIZE)
    ImageDraw.Draw(logo).text((SIDE / 2, SIDE / 2), letters, font=font, fill="white", anchor="mm")
    return logo


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, (letters, colour) in LOGOS.items():
        draw(letters, colour).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
