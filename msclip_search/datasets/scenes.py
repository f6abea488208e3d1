"""Data sets that are no more than one folder a class."""

from msclip_search.bands import LAYOUTS
from msclip_search.datasets.base import DataSet, LabelClass, plain_classes
from msclip_search.datasets.folders import open_any_folders, open_class_folders

_UNTRIED = "(layout as this program expects it; not tried on the original files)"
_METHANE = (
    # In the words of the published evaluation.
    LabelClass(name="CAFOs", words="concentrated animal feeding operations"),
    LabelClass(name="Landfills", words="landfills"),
    LabelClass(name="Mines", words="coal mines"),
    LabelClass(name="Negative", words="other features"),
    LabelClass(name="ProcessingPlants", words="natural gas processing plants"),
    LabelClass(name="RefineriesAndTerminals", words="oil refineries and petroleum terminals"),
    LabelClass(name="WWTreatment", words="wastewater treatment plants"),
)
_METHANE_SOURCE = "https://stanfordmlgroup.github.io/projects/meter-ml"
_METHANE_LICENCE = "see its page"
_METHANE_CITATION = (
    "Zhu, Lui, Irvin, Le, Tadwalkar, Wang, Ouyang, Liu, Ng, Jackson: METER-ML: A Multi-Sensor Earth Observation "
    "Benchmark for Automated Methane Source Mapping, 2022, arXiv:2207.11166"
)

METER_ML = DataSet(
    name="meter-ml",
    title="METER-ML (Sentinel-2)",
    classes=_METHANE,
    bands=LAYOUTS["l2a"],
    level="L1C",
    several_labels=False,
    source=_METHANE_SOURCE,
    licence=_METHANE_LICENCE,
    citation=_METHANE_CITATION,
    layout=f"""\
one folder a class, perhaps inside train, validation and test: CAFOs/….tif, Landfills/….tif, Mines, Negative,
ProcessingPlants, RefineriesAndTerminals, WWTreatment; GeoTIFFs of the twelve bands without B10, in order.
The published files are arrays, a folder a site; sites of several kinds have no place here.
{_UNTRIED}""",
    opener=open_class_folders,
)
METER_ML_NAIP = DataSet(
    name="meter-ml-naip",
    title="METER-ML (NAIP)",
    classes=_METHANE,
    bands=LAYOUTS["rgb"],
    level=None,
    several_labels=False,
    source=_METHANE_SOURCE,
    licence=_METHANE_LICENCE,
    citation=_METHANE_CITATION,
    layout=f"""\
one folder a class, perhaps inside train, validation and test: CAFOs/….png, Landfills/….png, Mines, Negative,
ProcessingPlants, RefineriesAndTerminals, WWTreatment; pictures of red, green and blue.
In the published naip.png the near infrared stands where pictures keep their transparency: take it away.
{_UNTRIED}""",
    opener=open_class_folders,
)
RESISC45 = DataSet(
    name="resisc45",
    title="NWPU-RESISC45",
    classes=plain_classes(
        """
        airplane airport baseball_diamond basketball_court beach bridge chaparral church circular_farmland
        cloud commercial_area dense_residential desert forest freeway golf_course ground_track_field harbor
        industrial_area intersection island lake meadow medium_residential mobile_home_park mountain
        overpass palace parking_lot railway railway_station rectangular_farmland river roundabout runway
        sea_ice ship snowberg sparse_residential stadium storage_tank tennis_court terrace
        thermal_power_station wetland
        """
    ),
    bands=LAYOUTS["rgb"],
    level=None,
    several_labels=False,
    source="https://doi.org/10.1109/JPROC.2017.2675998",
    licence="none stated; for research",
    citation=(
        "Cheng, Han, Lu: Remote Sensing Image Scene Classification: Benchmark and State of the Art, Proceedings of the "
        "IEEE 105(10), 2017, arXiv:1703.00121"
    ),
    layout=f"""\
one folder a class: airplane/airplane_001.jpg, airport/airport_001.jpg, …
{_UNTRIED}""",
    opener=open_class_folders,
)
AID = DataSet(
    name="aid",
    title="AID",
    classes=plain_classes(
        """
        Airport BareLand BaseballField Beach Bridge Center Church Commercial DenseResidential Desert
        Farmland Forest Industrial Meadow MediumResidential Mountain Park Parking Playground Pond Port
        RailwayStation Resort River School SparseResidential Square Stadium StorageTanks Viaduct
        """
    ),
    bands=LAYOUTS["rgb"],
    level=None,
    several_labels=False,
    source="https://captain-whu.github.io/AID/",
    licence="none stated; for research",
    citation=(
        "Xia, Hu, Hu, Shi, Bai, Zhong, Zhang, Lu: AID: A Benchmark Data Set for Performance Evaluation of Aerial Scene "
        "Classification, IEEE Transactions on Geoscience and Remote Sensing 55(7), 2017, arXiv:1608.05167"
    ),
    layout=f"""\
one folder a class: Airport/airport_1.jpg, BareLand/bareland_1.jpg, …
{_UNTRIED}""",
    opener=open_class_folders,
)
FOLDER = DataSet(
    name="folder",
    title="A folder of your own",
    classes=(),
    bands=(),
    level=None,
    several_labels=False,
    source="",
    licence="",
    citation="",
    layout="""\
one folder a class, named as prompts are to say it, perhaps inside train, validation and test:
open_pit_mine/….tif, rice_field/….tif""",
    opener=open_any_folders,
)
