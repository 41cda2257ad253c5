"""Files that institutions upload in a scenario: one page with a few words, as a scanner makes it."""

from relevo.contracts.model import ContractModel, ShortText

_OBJECTS = (
    "<</Type/Catalog/Pages 2 0 R>>",
    "<</Type/Pages/Kids[3 0 R]/Count 1>>",
    "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R>>",
)


def page(words: str) -> bytes:
    """A PDF of one page that shows these words."""
    shown = words.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    drawn = f"BT /F1 12 Tf 72 720 Td ({shown}) Tj ET"
    content = f"<</Length {len(drawn.encode())}>>stream\n{drawn}\nendstream"
    numbered = enumerate((*_OBJECTS, content), start=1)
    body = "".join(f"{number} 0 obj{one}endobj\n" for number, one in numbered)
    return f"%PDF-1.4\n{body}trailer<</Root 1 0 R>>\n%%EOF\n".encode()


class Page(ContractModel):
    """What is uploaded."""

    words: ShortText


class SamePage(ContractModel):
    """What must have arrived: the page of the step that uploaded it."""

    file: str
