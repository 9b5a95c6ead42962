"""Images in object stores, read by URL through fsspec."""

import io

import fsspec

__all__ = ["check_urls", "is_url", "open_url", "url_identity"]


def is_url(item):
    """Whether an item of X is a URL rather than a local path."""
    return isinstance(item, str) and "://" in item


def check_urls(items):
    """Raise ValueError or ImportError for unsupported kinds of URLs.

    Parameters
    ----------
    items : iterable of object
        Images; those that are not URLs are ignored.
    """
    schemes = {item.split("://")[0].lower(): item for item in items if is_url(item)}
    for scheme, example in schemes.items():
        if scheme in ("http", "https"):
            raise ValueError(
                f"Images are not fetched from web sites. Got {example!r}. Download them first, as "
                "with fsspec.filesystem('https').get(urls, folder), and pass their paths."
            )
        try:
            fsspec.get_filesystem_class(scheme)
        except ImportError as error:
            raise ImportError(
                f"{example!r} cannot be read: {error}. For s3://, run "
                "`pip install sknumclip[distributed]`."
            ) from error
        except ValueError as error:
            raise ValueError(
                f"{example!r} is not a URL that fsspec can read. Use a path, or a URL like "
                f"'s3://bucket/image.jpg'. ({error})"
            ) from error


def open_url(url):
    """Fetch the bytes of a file.

    Returns
    -------
    BytesIO

    Raises
    ------
    ValueError
        If the file does not exist or is empty.
    """
    file_system, path = fsspec.url_to_fs(url)
    try:
        content = file_system.cat_file(path)
    except FileNotFoundError as error:
        raise ValueError("no such file") from error
    if not content:
        raise ValueError("an empty file (0 bytes)")
    return io.BytesIO(content)


def url_identity(url):
    """Return a key (str) that changes when the file does, from the store's metadata.

    Raises
    ------
    OSError
        If the store returns no metadata.
    """
    try:
        # Without cached listings, which may be outdated.
        file_system, path = fsspec.url_to_fs(url, use_listings_cache=False)
        return f"{url}\0{file_system.ukey(path)}"
    except Exception as error:  # stores may raise anything
        raise OSError(f"{type(error).__name__}: {error}") from error
