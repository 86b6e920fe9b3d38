"""Files that came inside payloads: hostile bytes, shown only where a browser cannot run them."""

from django.http import Http404, HttpRequest, HttpResponse

from evalhub.access import project_page
from evalhub.models import Project
from records.blobs import SHA256, SHOWN_IMAGES
from records.models import Blob


@project_page("GET")
def blob(request: HttpRequest, project: Project, sha256: str) -> HttpResponse:
    """An image as an image, everything else as a download of no type."""
    known = SHA256.fullmatch(sha256) is not None
    found = Blob.objects.filter(project_id=project.id, sha256=sha256).first() if known else None
    if found is None:
        raise Http404("No such file in this project.")
    shown = found.content_type in SHOWN_IMAGES
    response = HttpResponse(bytes(found.data), content_type=found.content_type if shown else "application/octet-stream")
    response["Content-Disposition"] = "inline" if shown else f'attachment; filename="{sha256[:12]}"'
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    return response
