"""The company's paid orders beside what Stripe was paid: read only, from the watched database."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from psycopg import sql

from blocks.postgres import PostgresCredentials
from blocks.stripe import StripeCredentials
from tasks.looking import Seen, look
from tasks.postgres import connected
from tasks.shapes import look_task
from tasks.stripe import SETTINGS, SHOWN, list_payments
from watchkeeper.errors import NotConfigured
from watchkeeper.model import Check
from watchkeeper.payments import Payment, Reconciled, in_total, payment_line, reconcile
from watchkeeper.policy.services import OrdersTable, StripeTarget

# A table's and a column's name cannot be parameters; the policy lets only plain names through, and these are quoted.
COUNT_ORDERS = "SELECT {column}::text AS key, count(*) AS rows FROM {table} WHERE {column}::text = ANY(%(keys)s) GROUP BY 1"


async def count_orders(
    credentials: PostgresCredentials | None, orders: OrdersTable, payments: Sequence[Payment]
) -> dict[str, int]:
    """How many orders there are for each payment's key; a key without one is not in it.

    Raises:
        NotConfigured: there are no credentials.
        VendorUnavailable: as in `tasks.postgres`.
    """
    keys = [key for payment in payments if (key := payment.key(orders.holds))]
    statement = sql.SQL(COUNT_ORDERS).format(
        column=sql.Identifier(orders.column), table=sql.Identifier(*orders.table.split("."))
    )
    async with connected(credentials, "count_orders") as connection:
        cursor = await connection.execute(statement, {"keys": keys})
        return {row["key"]: row["rows"] for row in await cursor.fetchall()}


async def payment_orders(
    stripe: StripeCredentials | None,
    postgres: PostgresCredentials | None,
    target: StripeTarget | None,
    *,
    now: datetime,
    window: timedelta,
    late_after: timedelta,
) -> Check:
    """Whether every payment of the window has exactly one order; those that have none are named."""

    async def read() -> Seen:
        if stripe is None or target is None:
            raise NotConfigured("Stripe", setting=SETTINGS)
        if target.orders is None:
            raise NotConfigured("the table of paid orders", setting="services.payments.stripe.orders")
        payments = await list_payments(stripe, target, since=now - window)
        counts = await count_orders(postgres, target.orders, payments)
        return _seen(reconcile(payments, counts, holds=target.orders.holds, now=now, late_after=late_after))

    command = "Stripe's payments beside SELECT count(*) FROM the table of paid orders"
    return await look("payment_orders", "payments", command, read)


async def stripe_undelivered(
    stripe: StripeCredentials | None,
    postgres: PostgresCredentials | None,
    target: StripeTarget | None,
    *,
    now: datetime,
    window: timedelta,
    late_after: timedelta,
) -> Check:
    """Payments that Stripe could not tell the company of, older than what may be on its way, and without an order.

    An order tells more than Stripe, which counts an event as undelivered while any endpoint, however dead, has not had it.
    """

    async def read() -> Seen:
        if stripe is None or target is None:
            raise NotConfigured("Stripe", setting=SETTINGS)
        told = await list_payments(stripe, target, since=now - window, undelivered=True)
        late = [payment for payment in told if now - payment.created >= late_after]
        if late and target.orders is not None:
            counts = await count_orders(postgres, target.orders, late)
            late = [payment for payment in late if not counts.get(payment.key(target.orders.holds) or "")]
        words = f"{in_total(late)} not delivered" if late else "nothing that was paid is missed"
        lines = [payment_line(payment) for payment in late]
        facts = {"undelivered": len(late), "lines": lines[:SHOWN]}
        return Seen(not late, words, facts, output="\n".join([words, *lines[:SHOWN]]))

    return await look("stripe_undelivered", "stripe", "GET /v1/events?delivery_success=false", read)


def _seen(found: Reconciled) -> Seen:
    wrong = [
        *(f"no order: {payment_line(payment)}" for payment in found.missing),
        *(f"several orders: {payment_line(payment)}" for payment in found.doubled),
    ]
    words = f"{in_total(found.paid)}: every one has its order, once"
    if not found.is_well:
        words = f"{in_total(found.paid)}: {in_total(found.missing)} without an order"
        words += f", {in_total(found.doubled)} with several" if found.doubled else ""
    facts = {
        "paid": len(found.paid),
        "missing": len(found.missing),
        "doubled": len(found.doubled),
        "missing_events": [payment.id for payment in found.missing[:100]],
        "missing_total": in_total(found.missing),
        "lines": wrong[:SHOWN],
    }
    return Seen(found.is_well, words, facts, output="\n".join([words, *wrong[:100]]))


check_payment_orders = look_task("check_payment_orders", "payments")(payment_orders)
check_stripe_undelivered = look_task("check_stripe_undelivered", "stripe")(stripe_undelivered)
