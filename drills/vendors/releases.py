"""The company's releases and the commits they were built from: what its platforms show and its repository knows."""

# A release with nothing wrong in it.
GOOD_NEXT_RELEASE = "2024.4"

# The backend's and the worker's, oldest first, each the next one's parent.
COMMITS = {
    "2024.1": ("a11ce5ed0c0ffee00000000000000000000000a1", "Show delivery times"),
    "2024.2-broken": ("bada55c0de000000000000000000000000000b0b", "Speed up checkout"),
    "2024.3-errors": ("d15c0c7a11000000000000000000000000000dad", "Let orders carry a discount"),
    GOOD_NEXT_RELEASE: ("5afe5afe0ddba1100000000000000000000005af", "Correct a typo on the receipt"),
}
# The website's.
SITE_COMMITS = {
    "site-0": ("0ddba11f00d0000000000000000000000000051e", "Set up the shop's pages"),
    "site-1": ("f00dcafe0ddba110000000000000000000000051", "Show delivery times on the product page"),
    "site-2": ("beefcafe0ddba110000000000000000000000052", "Correct a typo on the About page"),
    "site-2-broken": ("deadbea7c0ffee00000000000000000000000b52", "Render the cart on the server"),
}


def commit_of(release: str) -> tuple[str, str]:
    """A release's commit: its hash and its message."""
    return (COMMITS | SITE_COMMITS).get(release, (release, f"Release {release}"))
