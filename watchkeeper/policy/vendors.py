"""What we use of each vendor, so that trouble elsewhere on its status page is not taken for ours."""

from typing import Annotated, Literal

from pydantic import Field

from watchkeeper.model import Data

# Those whose own status page is read.
VendorName = Literal["supabase", "railway", "vercel", "upstash", "stripe", "github", "google_cloud"]


class Vendor(Data):
    """What is used of one vendor.

    Attributes:
        parts: words by which its status page names that: components and regions, as in "Database" or "eu-central-1".
    """

    parts: list[Annotated[str, Field(min_length=2, max_length=100)]] = Field(default_factory=list)
