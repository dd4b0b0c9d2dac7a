"""Every action by its name."""

from flows.actions.cleanup import DeleteData
from flows.actions.connections import EndIdleConnections
from flows.actions.hotfix import OPEN_HOTFIX, OpenHotfix
from flows.actions.jobs import FailJob
from flows.actions.maintenance import SetMaintenanceMode
from flows.actions.payments import DisableEndpoint, EnableEndpoint, ReplaceSigningSecret
from flows.actions.railway import RedeployDeployment, RestartService, RollBackDeployment
from flows.actions.resending import ResendEvents
from flows.actions.resources import LowerResources, RaiseResources
from flows.actions.sentry import RESOLVE_ISSUES, ResolveIssues
from flows.actions.site import Action
from flows.actions.vercel import PromoteFrontend, RollBackFrontend
from watchkeeper.deadlines.maintenance import SET_MAINTENANCE_MODE

ACTIONS: dict[str, Action] = {
    "delete_data": DeleteData(),
    "disable_endpoint": DisableEndpoint(),
    "enable_endpoint": EnableEndpoint(),
    "end_idle_connections": EndIdleConnections(),
    "fail_job": FailJob(),
    "replace_signing_secret": ReplaceSigningSecret(),
    "resend_events": ResendEvents(),
    "lower_resources": LowerResources(),
    "raise_resources": RaiseResources(),
    "redeploy_deployment": RedeployDeployment(),
    "restart_service": RestartService(),
    "roll_back_deployment": RollBackDeployment(),
    OPEN_HOTFIX: OpenHotfix(),
    SET_MAINTENANCE_MODE: SetMaintenanceMode(),
    "promote_frontend": PromoteFrontend(),
    "roll_back_frontend": RollBackFrontend(),
    RESOLVE_ISSUES: ResolveIssues(),
}


def action_for(name: str) -> Action:
    return ACTIONS[name]
