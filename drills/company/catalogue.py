"""What there is to buy: the website asks for it with every page. No database is needed for three products."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.company.feature import Feature

PRODUCTS = ("mug", "shirt", "poster")


class Catalogue(Feature):
    """The list of products."""

    def routes(self) -> list[Route]:
        return [Route("/products", self.products)]

    async def products(self, request: Request) -> JSONResponse:
        return JSONResponse({"products": PRODUCTS})
