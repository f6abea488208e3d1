"""A page of hits to look at: pictures, a map, and what is known of each tile."""

from msclip_search.gallery.page import Gallery, make_gallery

__all__ = ["Gallery", "make_gallery"]
