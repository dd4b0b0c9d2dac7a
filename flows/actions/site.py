"""What every action is made of: the site that it changes, and the four things that it must be able to do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, runtime_checkable

from blocks.github import GitHubCredentials
from blocks.postgres import PostgresCredentials
from blocks.railway import RailwayCredentials
from blocks.redis import RedisCredentials
from blocks.sentry import SentryCredentials
from blocks.stripe import StripeCredentials
from blocks.vercel import VercelCredentials
from flows.credentials import Credentials, load_credentials
from watchkeeper.errors import NotConfigured, NotPermitted
from watchkeeper.model import Plan, Remediation
from watchkeeper.parts import Parts
from watchkeeper.policy import Policy
from watchkeeper.policy.roles import frontend_name, payments_of
from watchkeeper.policy.services import QueueTarget, RailwayTarget, Service, StripeTarget, VercelTarget


@dataclass(frozen=True)
class Site:
    """What actions are planned and carried out on."""

    policy: Policy
    credentials: Credentials
    parts: Parts | None = None

    def own_parts(self) -> Parts:
        """The parts of this incident's effects; only an effect that is carried out has any."""
        if self.parts is None:
            raise NotPermitted("nothing is carried out outside of an incident")
        return self.parts

    def payments(self) -> Service:
        """The service that is told of payments."""
        service = payments_of(self.policy)
        if service is None:
            raise NotConfigured("Stripe's endpoint", setting="services.payments.stripe")
        return service

    def stripe(self) -> tuple[StripeCredentials, StripeTarget]:
        target = self.payments().stripe
        if self.credentials.stripe is None or target is None:
            raise NotConfigured("Stripe", setting="WATCHKEEPER_STRIPE__API_KEY")
        return self.credentials.stripe, target

    def postgres(self) -> PostgresCredentials:
        if self.credentials.postgres is None:
            raise NotConfigured("the production database", setting="WATCHKEEPER_PRODUCTION__DATABASE_URL")
        return self.credentials.postgres

    def sentry(self) -> SentryCredentials:
        if self.credentials.sentry is None:
            raise NotConfigured("Sentry", setting="WATCHKEEPER_SENTRY__TOKEN")
        return self.credentials.sentry

    def github(self) -> GitHubCredentials:
        if self.credentials.github is None:
            raise NotConfigured("GitHub", setting="WATCHKEEPER_GITHUB__TOKEN")
        return self.credentials.github

    def railway(self, service: str) -> tuple[RailwayCredentials, RailwayTarget]:
        target = self.policy.services[service].railway if service in self.policy.services else None
        if self.credentials.railway is None or target is None:
            raise NotConfigured(f"Railway for {service}", setting=f"services.{service}.railway")
        return self.credentials.railway, target

    def queue(self, service: str) -> tuple[RedisCredentials, QueueTarget]:
        target = self.policy.services[service].queue if service in self.policy.services else None
        if self.credentials.redis is None or target is None:
            raise NotConfigured(f"the queue of {service}", setting=f"services.{service}.queue")
        return self.credentials.redis, target

    def frontend(self) -> str:
        """The name of the service that Vercel serves."""
        return frontend_name(self.policy)

    def vercel(self, service: str) -> tuple[VercelCredentials, VercelTarget]:
        target = self.policy.services[service].vercel if service in self.policy.services else None
        if self.credentials.vercel is None or target is None:
            raise NotConfigured(f"Vercel for {service}", setting=f"services.{service}.vercel")
        return self.credentials.vercel, target


@asynccontextmanager
async def open_site(policy: Policy, parts: Parts | None = None) -> AsyncIterator[Site]:
    """The production site, by the blocks that this installation has; `parts` where something may be changed."""
    yield Site(policy, await load_credentials(), parts)


class Action(Protocol):
    """One kind of change to production. docs/actions.md has a row for each, and a test compares.

    Attributes:
        limit: how much it may touch at most, in words; a figure of the policy by its key.
        undo: how to take it back, in words; empty where it cannot be.
    """

    limit: str
    undo: str

    async def check(self, site: Site, plan: Plan) -> None:
        """The last look before it happens.

        Raises:
            PreconditionChanged: it is no longer needed or no longer what was planned.
            NotPermitted: the guard forbids it.
        """

    async def act(self, site: Site, plan: Plan) -> str:
        """Do it, once; what happened, in a sentence."""

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        """Whether a claimed change happened; None when that cannot be told."""


@runtime_checkable
class Slow(Protocol):
    """An action whose change may take longer to show than most: until then, a "no" is none."""

    def settles_within(self, site: Site) -> timedelta:
        """How long it may take from when it was asked for."""


@runtime_checkable
class Undoable(Protocol):
    """An action that can be taken back, by a change that is an action of its own name."""

    async def plan_undo(self, site: Site, remediation: Remediation) -> Plan | None:
        """What takes it back, from a fresh look; None when there is nothing left to take back."""
