"""The policy as data: `watchkeeper.yaml`, validated, with errors that name the key and say what to write.

The shipped default, `policy.default.yaml`, is the incident guide. A team's own file holds only what differs:
mappings are merged key by key, everything else replaces the default.
"""

from watchkeeper.policy.loading import kept_policy, load_policy, merge, validate_policy
from watchkeeper.policy.whole import Policy

__all__ = ["Policy", "kept_policy", "load_policy", "merge", "validate_policy"]
