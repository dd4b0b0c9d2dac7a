"""What customers make and the shop keeps: jobs, designs and uploads. Nobody ever clears away the old ones."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from drills.company.feature import Feature, Handler

# What years of keeping everything look like, in megabytes of photographs, on a plan of 64.
PHOTOGRAPHS, PHOTOGRAPH_BYTES = 90, 600_000

OLD_ROWS = (
    """
    INSERT INTO jobs (id, kind, status, error, created_at, updated_at)
    SELECT 'old-' || gen_random_uuid(), 'render',
           CASE WHEN n % 10 = 0 THEN 'failed' ELSE 'completed' END,
           CASE WHEN n % 10 = 0 THEN 'the printer was out of ink' END,
           now() - interval '200 days' - n * interval '1 hour',
           now() - interval '200 days' - n * interval '1 hour'
      FROM generate_series(1, 3000) AS n
    """,
    """
    INSERT INTO designs (title, created_at)
    SELECT 'old ' || n, now() - interval '300 days' - n * interval '1 hour' FROM generate_series(1, 1000) AS n
    """,
)
OLD_UPLOADS = """
INSERT INTO uploads (name, content, created_at)
SELECT 'old ' || n, decode(repeat('0f', %(bytes)s), 'hex'), now() - interval '200 days' - n * interval '1 day'
  FROM generate_series(1, %(photographs)s) AS n
"""


class Uploads(Feature):
    """Only what a drill needs of them: that they are there, and grow."""

    def faults(self) -> dict[str, Handler]:
        return {"hoard": self.hoard}

    async def hoard(self, request: Request) -> JSONResponse:
        """The rows of years, at once."""
        async with self.pool.connection() as connection, connection.transaction():
            for statement in OLD_ROWS:
                await connection.execute(statement)
            values = {"photographs": PHOTOGRAPHS, "bytes": PHOTOGRAPH_BYTES}
            await connection.execute(OLD_UPLOADS, values)
        return JSONResponse({"hoarded": True})
