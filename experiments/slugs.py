from django.utils.text import slugify


def named(name: str, slug: str = "") -> dict[str, str]:
    """{"name", "slug"}, the one that is not given made of the other."""
    name, slug = name.strip(), slug.strip()
    return {
        "name": name or slug.replace("-", " ").capitalize(),
        "slug": slug or slugify(name)[:63].strip("-_").replace("_", "-"),
    }
