"""Tables of sites: options of one site, covariates, and every refusal before anything runs."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayes_tbm as bt
from bayes_tbm.experiment import Experiment
from bayes_tbm.population.batch.columns import read_table
from bayes_tbm.population.batch.jobs import Job, seed_of
from bayes_tbm.population.batch.manifest import jobs_of
from bayes_tbm.population.batch.work import cut
from bayes_tbm.population.climate import climate
from bayes_tbm.population.site_table import read_rows, with_columns_of
from bayes_tbm.synthetic.twin import embedded_site

COMMON = Experiment("", ("gpp", "lai"))
TWINS = ("hyytiala-twin", "hyytiala-twin-daily")


def jobs(table, covariates=(), common=COMMON):
    return jobs_of(pd.DataFrame(table), common, bt.Settings(seed=3), covariates)


def test_rows_say_options_of_their_own_and_all_else_is_a_covariate():
    first, second = jobs(
        {
            "site": ["A", "B"], "path": TWINS, "streams": ["gpp;nee", None], "end": ["2006", None],
            "stand_age": [44, None], "uncertainty.gpp": [0.7, None], "sampling.draws": [50, None],
            "priors.fire_resilience": [0.4, None], "coldest": [-8.0, -9.0], "cover": ["ENF", "DBF"],
            "latitude": [61.8, None],
        }
    )  # fmt: skip
    one, other = first.source, second.source
    assert (one.streams, one.end, one.stand_age) == (("gpp", "nee"), "2006", 44.0)
    assert (one.uncertainty, one.reading) == ({"gpp": 0.7}, {"latitude": 61.8})
    assert one.priors == {"fire_resilience": 0.4}
    assert (first.settings.draws, second.settings.draws) == (50, 700)
    assert (other.streams, other.end, other.stand_age, other.reading) == (
        COMMON.streams,
        *[None] * 2,
        {},
    )
    assert second.covariates == {"coldest": -9.0, "cover": "DBF"}
    assert first.calibration().density.priors["fire_resilience"] == bt.Fixed(0.4)


def test_seeds_follow_names_and_nothing_else():
    one, two = jobs({"site": ["A", "B"], "path": TWINS})
    (alone,) = jobs({"site": ["B"], "path": TWINS[1:]})
    assert two.settings == alone.settings
    assert one.settings.seed == seed_of("A", 3) != two.settings.seed
    assert one.again().settings.seed not in {one.settings.seed, two.again().settings.seed}
    assert one.again().settings.warmup == 2 * one.settings.warmup


def test_a_key_is_of_content_and_not_of_place(tmp_path):
    site = embedded_site("monthly").window("2004", "2006")
    keys = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / f"{folder}.nc"
        site.to_netcdf(path)
        keys.append(jobs({"site": ["A"], "path": [str(path)]})[0].key)
    assert keys[0] == keys[1]
    (tmp_path / "a" / "a.nc").unlink()
    embedded_site("monthly").window("2004", "2007").to_netcdf(tmp_path / "a" / "a.nc")
    longer = jobs({"site": ["A"], "path": [str(tmp_path / "a" / "a.nc")]})[0].key
    aged = jobs({"site": ["A"], "path": [str(path)], "stand_age": [40]})[0].key
    assert len({keys[0], longer, aged}) == 3


def test_priors_of_two_families_with_one_pair_of_numbers_are_two_keys():
    both = [
        Job("A", Experiment("hyytiala-twin", ("gpp",), priors={"leaf_onset_day": p}), bt.Settings())
        for p in (bt.Normal(120.0, 10.0), bt.LogNormal(120.0, 10.0))
    ]
    assert both[0].key != both[1].key


def test_calibrations_of_ones_own_are_jobs_too():
    site = embedded_site("monthly").window("2004", "2006")
    made = {n: bt.Calibration(site, ["gpp"], priors={"leaf_onset_day": d})
            for n, d in (("A", 120.0), ("B", 130.0))}  # fmt: skip
    one, two = jobs_of(made, COMMON, bt.Settings())
    assert one.key != two.key
    assert one.calibration() is made["A"]


def test_other_years_of_one_record_are_two_sites():
    one, two = jobs({"site": ["A", "B"], "path": TWINS[:1] * 2, "start": ["2004", "2008"],
                     "end": ["2007", "2012"]})  # fmt: skip
    assert one.key != two.key


@pytest.mark.parametrize(
    ("ends", "starts"), [("2008", "2007"), ("2008-06-15", "2008-06"), ("2008", "2008-12-31")]
)
def test_years_that_two_sites_of_one_record_share_are_refused(ends, starts):
    """They would count twice, as a whole record would."""
    for order in (1, -1):
        table = {"site": ["A", "B"], "path": TWINS[:1] * 2, "start": ["2006", starts][::order],
                 "end": [ends, "2010"][::order]}  # fmt: skip
        with pytest.raises(bt.InputError, match="A and B have the same one") as error:
            jobs(table)
        assert "\n" not in str(error.value)


def test_years_of_one_record_are_of_one_climate_cell_and_have_climates_of_their_own():
    rows = {"site": ["A", "B"], "path": TWINS[:1] * 2, "start": ["2006", "2010"],
            "end": ["2009", None], "uncertainty.gpp": [0.5, None]}  # fmt: skip
    found = [climate(bt.open_site(TWINS[0]))]
    for job in jobs(rows):
        (site, beyond), alone = cut(job.source), job.source.open_site()
        assert site.drivers.equals(alone.drivers)
        for name, seen in alone.observations.items():
            np.testing.assert_array_equal(site.observations[name].sd, seen.sd)
        found.append(climate(site, beyond))
    assert len({each["coldest"] for each in found}) == 3
    assert len({each["cell"] for each in found}) == 1


def test_rows_that_are_longer_than_the_header_are_refused(tmp_path):
    path = tmp_path / "sites.csv"
    path.write_text("site,path\na,hyytiala-twin,7\n")
    with pytest.raises(bt.InputError, match="as many cells as the first line"):
        jobs_of(path, COMMON, bt.Settings())
    path.write_text("site,path\na,hyytiala-twin,\n")
    assert [job.name for job in jobs_of(path, COMMON, bt.Settings())] == ["a"]


def test_lines_of_comment_are_left_out_and_a_hash_in_a_cell_is_not(tmp_path):
    path = tmp_path / "sites.csv"
    path.write_text("# mine\nsite,path,coldest\n  # not yet: B\nA#1,hyytiala-twin,-3\n")
    table = read_rows(path, comment="#")
    assert table.to_dict("records") == [{"site": "A#1", "path": "hyytiala-twin", "coldest": -3}]
    packed = tmp_path / "sites.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    pd.testing.assert_frame_equal(read_rows(packed, comment="#"), table)


def test_a_quoted_cell_of_several_lines_may_have_a_line_that_begins_with_a_hash(tmp_path):
    path = tmp_path / "sites.csv"
    path.write_text(
        '# of "mine\nsite,path,note\n"#1",hyytiala-twin,"first\n# second"\n# B, x\n'
        'C, hyytiala-twin-daily, "a ""b""\n#"\nD,5" pipe,\n# done\n'
    )
    table = read_rows(path, comment="#", skipinitialspace=True)
    assert list(table["site"]) == ["#1", "C", "D"]
    assert list(table["note"])[:2] == ["first\n# second", 'a "b"\n#']
    assert table["path"][2] == '5" pipe'
    path.write_text('site,path,note\nA,hyytiala-twin,"never ends\n' + "x" * 140_000)
    with pytest.raises(bt.InputError, match="must be a readable CSV") as error:
        read_table(path)
    assert "\n" not in str(error.value)


KNOWN = pd.DataFrame({"age": [40.0]}, index=["B"])


@pytest.mark.parametrize("read", [read_table, lambda path: with_columns_of(KNOWN, str(path))])
def test_sites_whose_names_begin_as_comments_do_are_counted(tmp_path, read):
    path = tmp_path / "sites.csv"
    rows = '# a, b\nsite,coldest\n#1,-3\n"B",-4\n  #2,"-5"\n# of a meadow\n#\n#3,-6,7\n'
    path.write_text(rows)
    with pytest.warns(bt.DataWarning) as warned:
        read(path)
    [one] = warned
    assert f"{path}: lines that begin with # are left out as comments" in str(one.message)
    assert "2 have as many cells as columns, the first is line 3" in str(one.message)
    path.write_text(rows.replace("#1", '"#1"').replace("#2", '"#2"'))
    read(path)  # would warn, an error here


PAIR = ["gpp", "lai"]


@pytest.mark.parametrize(
    "cell",
    [PAIR, tuple(PAIR), np.array(PAIR), "gpp,lai", " gpp ; lai ", "gpp;;lai", pd.Series(PAIR)],
)
def test_lists_are_lists_however_a_table_holds_them(cell):
    table = pd.DataFrame({"site": ["A"], "path": TWINS[:1]})
    for name in ("streams", "replace"):
        own = table.assign(**{name: pd.Series([cell], dtype=object)})
        [job] = jobs_of(own, COMMON, bt.Settings())
        assert getattr(job.source, name) == ("gpp", "lai")


@pytest.mark.parametrize("where", ["c, d/a.nc", "x,y.nc", "p;q.nc"])
@pytest.mark.parametrize("column", ["path", "observations"])
@pytest.mark.parametrize("absolute", [True, False])
def test_a_file_may_have_a_comma_in_its_path(tmp_path, where, column, absolute):
    file = tmp_path / where
    file.parent.mkdir(exist_ok=True)
    file.write_text("")
    for said in (where, file.name):
        (folder := file.parent if said == file.name else tmp_path).mkdir(exist_ok=True)
        cell = str(file) if absolute else said
        rows = {"site": ["A"], "path": TWINS[:1], column: [cell]}
        pd.DataFrame(rows).to_csv(folder / "sites.csv", index=False)
        [job] = jobs_of(folder / "sites.csv", COMMON, bt.Settings())
        found = job.source.site if column == "path" else job.source.observations
        assert found == (str(file) if column == "path" else (str(file),))


def test_two_files_of_a_cell_are_two(tmp_path):
    for name in ("a.nc", "b.nc"):
        (tmp_path / name).write_text("")
    for cell in ("a.nc; b.nc", "a.nc,b.nc"):
        rows = {"site": ["A"], "path": TWINS[:1], "observations": [cell]}
        pd.DataFrame(rows).to_csv(tmp_path / "sites.csv", index=False)
        [job] = jobs_of(tmp_path / "sites.csv", COMMON, bt.Settings())
        assert job.source.observations == (str(tmp_path / "a.nc"), str(tmp_path / "b.nc"))


@pytest.mark.parametrize(("given", "found"), [(" A", "A"), ("A\t", "A"), (7, "7")])
def test_names_of_a_mapping_have_no_blanks_around_them(given, found):
    [job] = jobs_of({given: Experiment(TWINS[0], ("gpp",))}, COMMON, bt.Settings())
    assert (job.name, job.settings.seed) == (found, seed_of(found, 0))


@pytest.mark.parametrize(
    ("names", "said"),
    [(["  "], "must be a name of 1 to 150"), ([""], "found none"), (["A" * 151], "1 to 150"),
     ([None], "found none"), (["A", " A"], "every site once")],
)  # fmt: skip
def test_names_that_a_mapping_must_not_have_are_refused(names, said):
    with pytest.raises(bt.InputError, match=said):
        jobs_of({name: Experiment(TWINS[n], ("gpp",)) for n, name in enumerate(names)}, COMMON,
                bt.Settings())  # fmt: skip


@pytest.mark.parametrize(
    "sites", [["hyytiala-twin"], None, {}, {"a": "hyytiala-twin"}, {"a": None}]
)
def test_what_is_no_table_of_sites_is_refused(sites):
    with pytest.raises(bt.InputError, match="sites"):
        jobs_of(sites, COMMON, bt.Settings())


def test_a_folder_is_a_table_of_its_files(tmp_path):
    site = embedded_site("monthly")
    for name, end in (("CA.NS1", "2006"), ("CA.NS2", "2007")):
        site.window("2004", end).to_netcdf(tmp_path / f"{name}.nc")
    (tmp_path / "README.md").write_text("not a site")
    assert [job.name for job in jobs_of(tmp_path, COMMON, bt.Settings())] == ["CA.NS1", "CA.NS2"]


def test_tables_of_one_tower_are_one_site_of_a_folder(tmp_path):
    product = "FLX_{}_FLUXNET2015_FULLSET_{}_1996-2014_1-4.csv"
    names = [product.format("FI-Hyy", kind) for kind in ("DD", "HH", "MM", "ERAI_DD", "BIF")]
    names += [product.format("CA-Man", "HR"), "FLX_AA-Flx_BIF_DD_20200501.csv", "FI-Sod_mine.nc"]
    names += ["DE-Tha_1998-2014_FLUXNET2015_Met.nc", "DE-Tha_1998-2014_FLUXNET2015_Flux.nc"]
    names += ["RU-Fyo_Flux.nc", "US-Ha1_timeseries_met.csv", "US-Ha1_timeseries_obs.csv"]
    for name in names:
        (tmp_path / name).write_text(name)
    found = {
        job.name: Path(job.source.site).name for job in jobs_of(tmp_path, COMMON, bt.Settings())
    }
    assert found == {
        "CA-Man": product.format("CA-Man", "HR"), "FI-Hyy": product.format("FI-Hyy", "DD"),
        "DE-Tha_1998-2014_FLUXNET2015_Met": "DE-Tha_1998-2014_FLUXNET2015_Met.nc",
        "FI-Sod_mine": "FI-Sod_mine.nc", "RU-Fyo_Flux": "RU-Fyo_Flux.nc",
        "US-Ha1_timeseries_met": "US-Ha1_timeseries_met.csv",
    }  # fmt: skip
    two = tmp_path / product.format("FI-Hyy", "DD"), tmp_path / product.format("FI-Hyy", "HH")
    rows = pd.DataFrame({"site": ["A", "B"], "path": list(map(str, two))})
    with pytest.raises(bt.InputError, match="A and B have the same one"):
        jobs_of(rows, COMMON, bt.Settings())


BAD = {
    "missing file": ({"site": ["A"], "path": ["nofile.nc"]}, (), "nofile.nc"),
    "unknown name": ({"site": ["hyytiala-twn"]}, (), "did you mean hyytiala-twin"),
    "site twice": ({"site": ["A", "a"], "path": TWINS}, (), "every site once; found a"),
    "one record": ({"site": ["A", "B"], "path": ["hyytiala-twin"] * 2}, (), "A and B"),
    "latitude": ({"site": ["A"], "path": TWINS[:1], "latitude": [105]}, (), "found 105"),
    "longitude": ({"site": ["A"], "path": TWINS[:1], "longitude": ["east"]}, (), "found east"),
    "covariate": ({"site": ["A"], "path": TWINS[:1], "coldest": [1]}, ("coldes",), "did you mean"),
    "no covariate": ({"site": ["A", "B"], "path": TWINS, "cold": [1, None]}, ("cold",), "at B"),
    "stream": ({"site": ["A"], "path": TWINS[:1], "streams": ["gpp;nees"]}, (), "did you mean nee"),
    "prior": ({"site": ["A"], "path": TWINS[:1], "priors.wood_residence_tim": [60.0]}, (),
              "did you mean wood_residence_time"),
    "error's prior": ({"site": ["A"], "path": TWINS[:1], "priors.gpp_structural_sd": [-1.0]}, (),
                      "gpp_structural_sd"),
    "constraint": ({"site": ["A"], "path": TWINS[:1], "constraints.steady_wod": [2.0]}, (),
                   "steady_wod: must be known constraints"),
    "uncertainty": ({"site": ["A"], "path": TWINS[:1], "uncertainty.gpp": ["much"]}, (),
                    "uncertainty.gpp: must be a number; found 'much'"),
    "no site": ({"name": ["A"]}, (), "must be a column"),
    "empty name": ({"site": [None], "path": TWINS[:1]}, (), "site: .*found none in the row of hyy"),
    "long name": ({"site": ["A" * 260], "path": TWINS[:1]}, (), "1 to 150 letters"),
    "one tower": ({"site": ["A", "B"], "path": ["FI-Hyy", "fluxval:FI-Hyy"]}, (), "A and B"),
    "years of others": ({"site": ["A", "B"], "path": TWINS[:1] * 2, "start": ["2005", "2006"]},
                           (), "A and B have the same one"),
    "age": ({"site": ["A"], "path": TWINS[:1], "stand_age": ["44 yr"]}, (), "stand_age: .*44 yr"),
    "age below none": ({"site": ["A"], "path": TWINS[:1], "stand_age": [-9]}, (), "A: stand_age"),
    "date": ({"site": ["A"], "path": TWINS[:1], "start": ["01.02.2005"]}, (), "2005-01-31"),
    "end first": ({"site": ["A"], "path": TWINS[:1], "start": [2010], "end": [2005]}, (),
                  "A: start: must be before the end; found 2010 and 2005"),
    "observations": ({"site": ["A"], "path": TWINS[:1], "observations": ["no.csv"]}, (), "no.csv"),
    "state": ({"site": ["A"], "path": TWINS[:1], "state": ["Maine"]}, (), "another name"),
    "option's case": ({"site": ["A"], "path": TWINS[:1], "Latitude": [105]}, (), "mean latitude"),
    "short place": ({"site": ["A"], "path": TWINS[:1], "Lat": [61.8]}, (), "Lat: .*mean latitude"),
    "of reading": ({"site": ["A"], "path": TWINS[:1], "first_year": [1999]}, (),
                   "call it reading.first_year"),
    "option's plural": ({"site": ["A"], "path": TWINS[:1], "Stand ages": [4]}, (), "stand_age"),
    "option's dot": ({"site": ["A"], "path": TWINS[:1], "uncertainty_nbe": [4]}, (), "uncertainty"),
    "table's name": ({"site": ["A"], "path": TWINS[:1], "prior.fire_resilience": [4]}, (),
                     "did you mean priors.NAME"),
    "no entry": ({"site": ["A"], "path": TWINS[:1], "priors": [4]}, (), "as in priors.NAME"),
    "column twice": ({"site": ["A"], "path": TWINS[:1], "path.1": ["x"]}, (), "named once"),
    "no column": ({"site": ["A"], "path": TWINS[:1], "Unnamed: 0": [0]}, (), "must have a name"),
    "setting": ({"site": ["A"], "path": TWINS[:1], "sampling.draws": [-30]}, (),
                "sites: A: .*draws.*found -30"),
}  # fmt: skip


def test_a_table_without_streams_is_refused():
    with pytest.raises(bt.InputError, match="A: streams: must name what is fitted; found none"):
        jobs({"site": ["A"], "path": TWINS[:1]}, common=Experiment("", ()))


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_refused_in_one_line(name):
    table, covariates, said = BAD[name]
    with pytest.raises(bt.InputError, match=said) as error:
        jobs(table, covariates)
    assert "\n" not in str(error.value)


def test_a_table_with_semicolons_is_told_so(tmp_path):
    path = tmp_path / "sites.csv"
    path.write_text("site;path;latitude\nns1;hyytiala-twin;61,8\n")
    with pytest.raises(bt.InputError, match=r"separate cells by commas.*these are semicolons"):
        read_table(path)


def test_a_site_whose_latitude_is_another_than_its_file_s_is_skipped(tmp_path):
    """As where latitude and longitude are swapped: nobody would see the note of one site."""
    bt.open_site("hyytiala-twin").window(end="2006").to_netcdf(tmp_path / "own.nc")
    table = pd.DataFrame({"site": ["a"], "path": [str(tmp_path / "own.nc")],
                          "latitude": [24.3], "longitude": [61.8]})  # fmt: skip
    found = bt.fit_many(table, ["gpp"], folder=tmp_path / "runs", executor="serial", progress=False)
    assert found.table.loc["a", "state"] == "skipped"
    assert "latitude 24.3 as stated, the file has 61.8" in found.table.loc["a", "reason"]


def test_what_a_reading_calls_so_may_be_a_covariate_too():
    table = pd.DataFrame({"site": ["a"], "path": TWINS[:1], "co2": [390.0], "quality": [0.9],
                          "scale": [1.0]})  # fmt: skip
    assert list(read_table(table)[0].columns) == list(table.columns)


def test_a_bar_is_no_column_and_no_option_of_an_experiment_in_python():
    with pytest.raises(bt.InputError, match=r"A: .*reading.progress: is no entry"):
        jobs({"site": ["A"], "path": TWINS[:1], "reading.progress": [True]})
    with pytest.raises(bt.InputError, match=r"experiment: reading.progress: is no entry"):
        Experiment("hyytiala-twin", ("gpp",), reading={"progress": True})
