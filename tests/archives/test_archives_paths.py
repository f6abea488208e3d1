import os
from pathlib import Path

import pytest

from msclip_search.archives import ChipArchive
from msclip_search.archives.paths import PICTURES, TILES, Found, describe_nothing, find
from msclip_search.errors import ArchiveError, TileError
from tests.archives.painting import PICTURES as PICTURE_READING
from tests.archives.painting import READING, make


def found(*roots: str | os.PathLike[str], suffixes: tuple[str, ...] = TILES) -> list[Path]:
    """Paths of what is found, all of it without trouble."""
    result = list(find(roots, suffixes=suffixes))
    assert all(it.trouble is None for it in result)
    assert all(it.path.is_absolute() for it in result)
    return [it.path for it in result]


def test_a_folder_is_searched_to_its_depth_in_sorted_order(tmp_path: Path) -> None:
    names = ["b.tif", "a/z.TIF", "a-b.tif", "a.tiff", "a/b/c.npy", "B.npz", "a/b.npy", "ä.tif", "10.tif", "9.tif"]
    make(tmp_path, *names, "notes.txt", "a/readme", "c.jp2", "d.png", "x.tif.aux.xml", "tif")
    expected = sorted(tmp_path / name for name in names)
    assert found(tmp_path) == expected
    assert [path.relative_to(tmp_path).parts[0] for path in expected][:4] == ["10.tif", "9.tif", "B.npz", "a"]


def test_pictures_are_taken_only_where_they_are_enough(tmp_path: Path) -> None:
    make(tmp_path, "a.tif", "b.PNG", "c.jpg", "d.jpeg")
    assert ChipArchive((tmp_path,), READING).count() == 1
    taken = [Path(item.source).name for item in ChipArchive((tmp_path,), PICTURE_READING).items()]
    assert taken == ["a.tif", "b.PNG", "c.jpg", "d.jpeg"]
    assert found(tmp_path, suffixes=PICTURES) == [tmp_path / name for name in ("b.PNG", "c.jpg", "d.jpeg")]


def test_what_is_hidden_is_passed_over_unless_named(tmp_path: Path) -> None:
    make(tmp_path, "a.tif", ".b.tif", ".cache/c.tif", "._d.tif")
    assert found(tmp_path) == [tmp_path / "a.tif"]
    assert found(tmp_path / ".cache") == [tmp_path / ".cache" / "c.tif"]
    assert found(tmp_path / ".b.tif") == [tmp_path / ".b.tif"]


def test_a_folder_with_the_name_of_a_tile_is_a_folder(tmp_path: Path) -> None:
    make(tmp_path, "x.tif/a.tif")
    (tmp_path / "y.tif").mkdir()
    assert found(tmp_path) == [tmp_path / "x.tif" / "a.tif"]


def test_files_that_are_named_are_taken_whatever_their_ending(tmp_path: Path) -> None:
    make(tmp_path, "b.dat", "a.jp2", "noending")
    roots = [tmp_path / "b.dat", tmp_path / "a.jp2", tmp_path / "noending"]
    assert found(roots[0], str(roots[1]), roots[2]) == roots  # in the order they were named


def test_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "tiles/a.tif", "b.tif")
    monkeypatch.chdir(tmp_path / "tiles")
    assert found(".", "../b.tif", "*.tif") == [
        tmp_path / "tiles" / "a.tif",
        tmp_path / "b.tif",
        tmp_path / "tiles/a.tif",
    ]


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    make(tmp_path, "tiles/a.tif", "tiles/sub/b.tif", "other/c.tif")
    (tmp_path / "tiles" / "sub" / "up").symlink_to(tmp_path / "tiles")
    (tmp_path / "tiles" / "self").symlink_to(".")
    (tmp_path / "tiles" / "other").symlink_to("../other")
    (tmp_path / "other" / "back").symlink_to("../tiles")
    (tmp_path / "tiles" / "z.tif").symlink_to("a.tif")
    names = ["a.tif", "other/c.tif", "sub/b.tif", "z.tif"]
    assert found(tmp_path / "tiles") == [tmp_path / "tiles" / name for name in names]


def test_links_that_lead_nowhere_are_failures_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a.tif").symlink_to("nothing.tif")
    (tmp_path / "b.tif").symlink_to("b.tif")
    (tmp_path / "c").symlink_to("c")
    (tmp_path / "d.tif").symlink_to("a.tif/x")
    chips = list(ChipArchive((tmp_path,), READING).items())
    reasons = {}
    for chip in chips:
        with pytest.raises(TileError) as refused:
            chip.read()
        reasons[Path(chip.source).name] = str(refused.value)
    assert reasons == {
        "a.tif": "is a link that leads nowhere",
        "b.tif": "is a link that leads in circles",
        "d.tif": "is a link that leads nowhere",
    }
    # Named itself, as a shell does for *.tif, it does not stop the run either.
    assert found(tmp_path / "a.tif", tmp_path / "b.tif") == [tmp_path / "a.tif", tmp_path / "b.tif"]


def test_an_index_folder_is_passed_over(tmp_path: Path) -> None:
    make(tmp_path, "a.npy", "idx/segments/000001/vectors.npy", "idx/manifests/000001.json", "idx/x.npy")
    make(tmp_path, "segments/b.npy", "deep/er/idx/manifests/1.json", "deep/er/idx/segments/1/vectors.npy")
    expected = [tmp_path / "a.npy", tmp_path / "segments" / "b.npy"]
    assert found(tmp_path) == expected
    assert found(tmp_path / "**" / "*.npy") == expected
    assert found(tmp_path / "*") == expected
    assert found(tmp_path / "idx") == []


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.tif", ["b.tif"]),
        ("**/*.tif", ["b.tif", "x/a.tif", "x/y/c.tif"]),
        ("*/*.tif", ["x/a.tif"]),
        ("[ab].*", ["b.tif"]),
        ("?.npy", ["d.npy"]),
        ("[!b].npy", ["d.npy"]),
        ("x*", ["x/a.tif", "x/y/c.tif", "x/y/d.npz"]),
        ("**", ["b.tif", "d.npy", "x/a.tif", "x/y/c.tif", "x/y/d.npz"]),
        ("*/y", ["x/y/c.tif", "x/y/d.npz"]),
        ("**/y/*", ["x/y/c.tif", "x/y/d.npz"]),
    ],
)
def test_globs_find_files_and_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, names: list[str]
) -> None:
    make(tmp_path, "b.tif", "b.txt", "d.npy", "e.jp2", ".h.tif", "x/a.tif", "x/y/c.tif", "x/y/d.npz", "x/.z/h.tif")
    assert found(tmp_path / pattern) == [tmp_path / name for name in names]
    monkeypatch.chdir(tmp_path)
    assert found(pattern) == [tmp_path / name for name in names]


@pytest.mark.parametrize("name", ["[2023] tiles", "what?", "a*b", "[!x]", "[a-z]"])
def test_a_folder_whose_name_looks_like_a_glob_is_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = make(tmp_path / name, "a.tif", "[b].tif", "sub/c.tif")
    make(tmp_path, "2/a.tif", "what!/a.tif", "ab/a.tif", "y/a.tif")  # what the name would match
    assert found(folder) == [folder / "[b].tif", folder / "a.tif", folder / "sub" / "c.tif"]
    assert found(folder / "[b].tif") == [folder / "[b].tif"]
    assert found(folder / "*.tif") == [folder / "[b].tif", folder / "a.tif"]
    monkeypatch.chdir(folder)
    assert found("**/c.tif") == [folder / "sub" / "c.tif"]
    with pytest.raises(ArchiveError, match=r"^There is no none\.tif: give a folder"):
        found("none.tif")


def test_a_glob_that_matches_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError) as refused:
        found(tmp_path / "*.tif")
    assert str(refused.value) == f"Nothing matches {tmp_path}/*.tif."


@pytest.mark.parametrize("name", ["none", "none.tif", "none.txt", "none/none.tif"])
def test_what_is_not_there_is_an_error_that_says_what_would_do(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArchiveError) as refused:
        found(tmp_path / name)
    assert str(refused.value) == (
        f"There is no {tmp_path / name}: give a folder of tiles, a file, a glob, or a .txt with one path a line."
    )
    with pytest.raises(ArchiveError, match=r"There is no"):
        ChipArchive((tmp_path / name,), READING).count()


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_list_gives_one_path_a_line(tmp_path: Path, mark: str, ends: str) -> None:
    make(tmp_path, "tiles/b.tif", "tiles/a.tif", "tiles/x.dat", "far/c.npy", "far/d.txt", "e\x0bf.tif", "#1.tif")
    lines = [
        "# a comment",
        "",
        "../tiles/b.tif",
        "  ../tiles/a.tif  ",
        str(tmp_path / "tiles" / "x.dat"),
        "../far",
        "   # another",
        "../e\x0bf.tif",
        "./../#1.tif",
        "none.tif",
        "../tiles/*.tif",
        "with\0nothing",
    ]
    (tmp_path / "lists").mkdir()
    path = tmp_path / "lists" / "tiles.TXT"
    path.write_bytes((mark + ends.join(lines)).encode())
    result = list(find([path], suffixes=TILES))
    there = ["tiles/b.tif", "tiles/a.tif", "tiles/x.dat", "far/c.npy", "e\x0bf.tif", "#1.tif"]
    assert result[:6] == [Found(tmp_path / name) for name in there]
    missing = {10: "none.tif", 11: "../tiles/*.tif", 12: "with\0nothing"}
    assert result[6:] == [
        Found(Path(os.path.normpath(path.parent / name)), f"is not there (line {line} of {path})")
        for line, name in missing.items()
    ]
    chips = list(ChipArchive((path,), READING).items())
    with pytest.raises(TileError, match=r"^is not there \(line 10 of .*tiles\.TXT\)$"):
        chips[6].read()


@pytest.mark.parametrize("content", [b"\xff\xfea\0.\0t\0i\0f\0", b"caf\xe9.tif\n"])
def test_a_list_in_another_encoding_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match=r"list\.txt is to be a list of paths, .* cannot be read as text"):
        found(path)


def test_an_archive_of_nothing_says_what_was_looked_for_and_what_found(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError) as refused:
        ChipArchive((tmp_path,), READING).count()
    assert str(refused.value) == (
        f"{tmp_path} holds no tiles: looked for .tif, .tiff, .npy, .npz; found no files at all."
    )
    make(tmp_path, *(f"{number}.png" for number in range(1200)), "a.jp2", "sub/b.JP2", "README", ".hidden.xyz")
    assert describe_nothing([tmp_path], suffixes=TILES).endswith("; found 1,200 .png, 2 .jp2, 1 without ending.")
    assert describe_nothing([str(tmp_path / "*.jp2")], suffixes=TILES).endswith("; found 1 .jp2.")
    assert ChipArchive((tmp_path,), PICTURE_READING).count() == 1200


def test_names_that_are_no_text_fail_alone(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.tif"
    try:
        with open(name, "wb") as file:  # noqa: PTH123 - a name in bytes
            file.write(b"x")
    except OSError:
        pytest.skip("this file system takes no such names")
    (chip,) = ChipArchive((tmp_path,), READING).items()
    assert chip.source == f"{tmp_path}/caf\\xe9.tif"
    with pytest.raises(TileError, match=r"^has a name that is not UTF-8: rename it$"):
        chip.read()
