"""Where Watchkeeper's own test alert comes in, and where its test page is answered."""

import psycopg
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from watchkeeper.errors import BadInput, StoreUnavailable
from watchkeeper.intake.receiving import count_refusal, house_of, read_body
from watchkeeper.intake.webhooks import Refused, read_json
from watchkeeper.paging.proving import PROOF, acknowledge_proof, proof_alert


async def receive(request: Request) -> JSONResponse:
    """A proof's alert, admitted as any other. With the store away it is refused: a spooled one would page people."""
    house = house_of(request)
    now = house.clock()
    try:
        token = read_json(await read_body(request)).get("token")
        alert = proof_alert(house.signer.read_proof(str(token)), now=now)
    except Refused as refusal:
        await count_refusal(house, PROOF, refusal, now)
        return JSONResponse({"error": refusal.explanation}, refusal.status)
    except BadInput as error:
        await count_refusal(house, PROOF, Refused(401, "wrong_signature", str(error)), now)
        return JSONResponse({"error": str(error)}, 401)
    try:
        admission = await house.admitting.admit(alert, now=now)
    except (StoreUnavailable, psycopg.Error):
        return JSONResponse({"error": "the store is away"}, 503)
    return JSONResponse({"incident": None, "reason": admission.reason}, 202)


async def answer(request: Request, token: str) -> JSONResponse:
    """The test phone's answer."""
    house = house_of(request)
    try:
        proof_id = house.signer.read_proof(token)
    except BadInput as error:
        return JSONResponse({"error": str(error)}, 403)
    first = await acknowledge_proof(house.store, proof_id, now=house.clock())
    return JSONResponse({"answered": True, "before": not first})


def proof_routes() -> APIRouter:
    """The two addresses that a proof needs."""
    routes = APIRouter()
    routes.add_route("/webhooks/proof", receive, methods=["POST"])
    routes.add_api_route("/t/{token}", answer, methods=["POST"])
    return routes
