"""Gemini: whether it answers, and takes our key.

Listing models costs nothing of the quota that the application's own requests need. So a limit that is reached
does not show here; it shows in the jobs that wait for it (`tasks.bullmq`).

Source:
    https://ai.google.dev/api/models
"""

from blocks.gemini import GeminiCredentials
from tasks.looking import Seen, look
from tasks.shapes import look_task
from tasks.vendor_http import Ask, read_json
from watchkeeper.errors import NotConfigured
from watchkeeper.model import Check


async def gemini_health(credentials: GeminiCredentials | None) -> Check:
    """Whether models can be listed; 503 is their overload, 400 and 403 are about our key."""

    async def read() -> Seen:
        if credentials is None:
            raise NotConfigured("Gemini", setting="WATCHKEEPER_GEMINI__API_KEY")
        url = f"{credentials.base_url.rstrip('/')}/v1beta/models"
        async with credentials.get_client() as client:
            told = await read_json(client, Ask("gemini", "list_models"), "GET", url, params={"pageSize": 5})
        models = [str(model["name"]) for model in told["models"]]
        return Seen(True, f"answers; {len(models)} models", {"models": len(models)})

    return await look(
        "gemini_health", "gemini", "curl https://generativelanguage.googleapis.com/v1beta/models", read
    )


check_gemini_health = look_task("check_gemini_health", "gemini")(gemini_health)
