import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from relevo.servicekit import ids


def test_an_id_is_a_version_7_uuid_that_tells_its_time() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(ids.new_id())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000 + 1


def test_later_ids_sort_after_earlier_ones() -> None:
    made = [ids.new_id() for _ in range(20_000)]
    assert made == sorted(made)


def test_threads_never_get_the_same_id() -> None:
    with ThreadPoolExecutor(4) as threads:
        made = [f.result() for f in [threads.submit(ids.new_id) for _ in range(5_000)]]
    assert len({uuid.UUID(one).int >> 64 for one in made}) == len(made)


def test_a_random_id_is_a_version_4_uuid() -> None:
    assert uuid.UUID(ids.random_id()).version == 4
    assert ids.random_id() != ids.random_id()


def test_reference_codes_carry_their_country_and_differ() -> None:
    made = {ids.new_reference_code("MX") for _ in range(1_000)}
    assert len(made) == 1_000
    assert all(code.startswith("MX-") and len(code) == 14 for code in made)
