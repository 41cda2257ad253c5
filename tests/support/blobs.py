"""What gateways do with sealed files, in one dictionary that a test can look into and spoil."""

import hashlib
import io
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from pikepdf import Dictionary, Name, Pdf, Stream
from PIL import Image
from typing_extensions import override

from relevo.contracts.problem import ProblemError
from relevo.node.operations.carry import carry_once
from relevo.node.operations.open_envelope import parse
from relevo.servicekit.http_client import RefusedError, RetryableError
from tests.support.nodes import GatewayOfTest, Member, Network


@dataclass
class Blobs:
    """Sealed files at the gateways; `brought` counts every time that one came."""

    here: dict[str, bytes] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    brought: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    down: bool = False
    lose_answers: bool = False


class CarryingGateway(GatewayOfTest):
    """The network as one node's gateway, which takes the files that messages name."""

    def __init__(self, network: Network, institution: str, blobs: Blobs) -> None:
        super().__init__(network)
        self._of = institution
        self._blobs = blobs

    @override
    async def bring_blob(self, digest: str, sealed: bytes) -> None:
        self._check(digest, outgoing=True)
        assert hashlib.sha256(sealed).hexdigest() == digest
        self._blobs.brought.append(digest)
        self._blobs.here[digest] = sealed
        self._answer()

    @override
    async def fetch_blob(self, digest: str) -> bytes:
        self._check(digest, outgoing=False)
        if digest in self._blobs.released:
            raise RefusedError(ProblemError("not_found").problem(), 404)
        if digest not in self._blobs.here:
            raise RefusedError(ProblemError("blob_not_here_yet").problem(), 409)
        self._blobs.fetched.append(digest)
        self._answer()
        return self._blobs.here[digest]

    @override
    async def release_blob(self, digest: str) -> None:
        self._check(digest, outgoing=False)
        self._blobs.here.pop(digest, None)
        self._blobs.released.append(digest)
        self._answer()

    def _answer(self) -> None:
        if self._blobs.lose_answers:
            raise RetryableError("connection_lost")

    def _check(self, digest: str, *, outgoing: bool) -> None:
        if self._blobs.down:
            raise RetryableError("connect")
        for envelope in map(parse, self._network.carried):
            party = envelope.iss if outgoing else envelope.aud
            if digest in envelope.blobs and party.startswith(self._of):
                return
        raise RefusedError(ProblemError("not_found").problem(), 404)


def with_blobs(network: Network) -> Blobs:
    """Lets the gateways of this network carry files."""
    blobs = Blobs()
    for member in network.members.values():
        member.node.gateway = CarryingGateway(network, member.id, blobs)
    return blobs


async def carry(network: Network) -> None:
    """Lets every node carry what it can carry now, and what it would try again within a minute."""
    for _ in range(3):
        worked = [True]
        while any(worked):
            worked = [await carry_once(member.node) for member in network.members.values()]
        network.clock.advance(timedelta(seconds=20))


def a_picture(shade: int = 20, *, size: tuple[int, int] = (64, 48), kind: str = "PNG") -> bytes:
    """A picture with something on it."""
    image = Image.new("RGB", size, (250, 250, 250))
    image.paste((shade, 10, 10), (8, 8, 40, 32))
    return saved(image, kind)


def a_large_file(size: int) -> bytes:
    """A PDF of about this many bytes that shows something and tells nothing else."""
    filling = bytes(range(256)) * (size // 256 - 4)
    with Pdf.new() as pdf:
        page = pdf.add_blank_page()
        page.Contents = Stream(pdf, b"q /Im0 Do Q")
        image = pdf.make_indirect(Stream(pdf, filling, Type=Name.XObject, Subtype=Name.Image))
        page.Resources = Dictionary(XObject=Dictionary(Im0=image))
        written = io.BytesIO()
        pdf.save(written, fix_metadata_version=False, compress_streams=False)
        return written.getvalue()


def saved(image: Image.Image, kind: str) -> bytes:
    written = io.BytesIO()
    image.save(written, kind)
    return written.getvalue()


async def upload(
    member: Member, content: bytes, media_type: str = "image/png", **claims: Any
) -> httpx.Response:
    async with member.http(**claims) as http:
        return await http.post(
            "/v1/attachments", content=content, headers={"content-type": media_type}
        )


async def uploaded(member: Member, content: bytes, media_type: str = "image/png") -> str:
    """Uploads a file; its id."""
    answer = await upload(member, content, media_type)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def download(member: Member, referral: str, attachment: str, **claims: Any) -> httpx.Response:
    async with member.http(**claims) as http:
        return await http.get(f"/v1/referrals/{referral}/attachments/{attachment}")
