from pathlib import Path

import pytest

from msclip_search.archives import Labels, ParentLabels, TableLabels, read_labels
from msclip_search.errors import ArchiveError


def table(folder: Path, text: str | bytes) -> TableLabels:
    path = folder / "labels.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_labels(path)


def test_the_folder_names_the_label() -> None:
    labels: Labels = ParentLabels()
    assert labels.of("/data/eurosat/SeaLake/SeaLake_1.tif") == ("SeaLake",)
    assert labels.of("/data/Mixed forest/a.tif") == ("Mixed forest",)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_table_gives_each_file_its_labels(tmp_path: Path, ends: str, mark: str) -> None:
    lines = [
        "file,label",
        "a.tif,Forest",
        "sub/b.tif,Pasture; River ;Forest",
        f"{tmp_path}/elsewhere/c.tif,Sea",
        "../d.tif,Höhe",
        '"with, comma.tif","one, two;""three"""',
        "e.tif,",
        "f.tif",
        "g.tif, ; ;",
        "h.tif,Forest;Forest",
        " i.tif ,Lake",
        "",
    ]
    labels = table(tmp_path, mark + ends.join(lines))
    expected: dict[str, tuple[str, ...]] = {
        "a.tif": ("Forest",),
        "sub/b.tif": ("Pasture", "River", "Forest"),
        "elsewhere/c.tif": ("Sea",),
        "with, comma.tif": ("one, two", '"three"'),
        "e.tif": (),
        "f.tif": (),
        "g.tif": (),
        "h.tif": ("Forest",),
        "i.tif": ("Lake",),
        "unknown.tif": (),
    }
    assert {name: labels.of(str(tmp_path / name)) for name in expected} == expected
    assert labels.of(str(tmp_path.parent / "d.tif")) == ("Höhe",)
    assert labels.of("a.tif") == ()


def test_other_columns_are_passed_over_in_any_order(tmp_path: Path) -> None:
    labels = table(tmp_path, "split,label,crs,file\ntrain,Sea,EPSG:32632,a.tif\n")
    assert labels.of(str(tmp_path / "a.tif")) == ("Sea",)


def test_paths_are_relative_to_the_table_wherever_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "labels").mkdir()
    table(tmp_path / "labels", "file,label\n../tiles/./a.tif,Sea\n")
    monkeypatch.chdir(tmp_path)
    assert read_labels(Path("labels/labels.csv")).of(str(tmp_path / "tiles" / "a.tif")) == ("Sea",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,name\na.tif,Sea\n", "lacks the column label: its first line is to be file,label."),
        ("a.tif,Sea\n", "lacks the columns file and label"),
        ("file;label\na.tif;Sea\n", "lacks the columns file and label"),
        ("", "lacks the columns file and label"),
        ("file,label\na.tif,Sea\n./a.tif,River\n", "line 3: ./a.tif stands there twice. Several labels go into one"),
        ("file,label\n,Sea\n", "line 2: no file is named."),
        ("file,label\na.tif,Sea\n  ,Sea\n", "line 3: no file is named."),
        ("file,label\na.tif,Sea,River\n", "line 2: more values than columns. A value with a comma in it needs quotes."),
        ('file,label\na.tif,"Sea\n', "are no CSV: unexpected end of data."),
        ("file,label\na.tif,Höhe\n".encode("latin-1"), "are not UTF-8 text: save them as CSV UTF-8."),
        ("file,label\na.tif,Sea\n".encode("utf-16"), "are not UTF-8 text"),
        (b"file,label\n" + b"x" * 200_000 + b",Sea\n", "are no CSV: field larger than field limit"),
    ],
)
def test_a_table_with_a_fault_is_refused_with_its_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(ArchiveError) as refused:
        table(tmp_path, text)
    message = str(refused.value)
    assert said in message
    assert str(tmp_path / "labels.csv") in message
    assert "\n" not in message


def test_a_table_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"^The labels .*/none\.csv cannot be read: No such file or directory\.$"):
        read_labels(tmp_path / "none.csv")
    with pytest.raises(ArchiveError, match=r"cannot be read: Is a directory\.$"):
        read_labels(tmp_path)


def test_real_tables_are_read(shared: Path) -> None:
    folder = shared / "data" / "eurosat_ms"
    labels = read_labels(folder / "index.csv")
    assert len(labels.table) == 375
    for path in sorted(folder.glob("*/*.tif")):
        assert labels.of(str(path)) == ParentLabels().of(str(path)) == (path.name.rsplit("_", 1)[0],)
