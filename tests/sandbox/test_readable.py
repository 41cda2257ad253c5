from pathlib import Path

from sqlalchemy import text

from relevo.sandbox.readable import readable_words, words_in_database
from relevo.servicekit import jose
from relevo.servicekit.database import Database

WORDS = ("Tomasa", "Temaj")


def test_words_in_the_clear_are_found() -> None:
    assert readable_words(b"... Tomasa ...", WORDS) == {"Tomasa"}


def test_words_inside_signed_tokens_are_found_however_deep() -> None:
    key = jose.generate_signing_key()
    inner = jose.sign({"name": "Tomasa"}, key, typ="JWT")
    outer = jose.sign({"grants": [inner]}, key, typ="JWT")
    assert readable_words(f"POST / {outer}".encode(), WORDS) == {"Tomasa"}


def test_sealed_words_are_not_found() -> None:
    key = jose.generate_encryption_key()
    sealed = jose.seal(b'{"name": "Tomasa"}', key, apu="a", apv="b")
    assert readable_words(sealed.encode(), WORDS) == set()


def test_every_table_of_a_database_is_searched(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    database = Database(url)
    database.write_now(lambda c: c.execute(text("create table note (id integer, words blob)")))
    database.write_now(lambda c: c.execute(text("insert into note values (1, 'la señora Temaj')")))
    database.close()
    assert words_in_database(url, WORDS) == {"Temaj"}
