"""From a hospital's first export to a release: profile, fill in what it could not tell, refresh."""

from __future__ import annotations

import json
import random
from pathlib import Path

from e2e.conftest import run_registry
from integration.registry_home import refresh_home

PATIENTS = [f"UD-{number:03}" for number in range(1, 13)]
TESTS = [
    ("NEU#", "Neutrofili", "mila/mmc", "{:.2f}"),
    ("NEU%", "Neutrofili %", "%", "{:.1f}"),
    ("GB", "Leucociti", "migl./mmc", "{:.2f}"),
    ("CONTA_N", "Conta N.", "/uL", "1.{:03.0f}"),
    ("PCR", "Proteina C reattiva", "mg/L", "{:.1f}"),
]


def write(folder: Path, name: str, header: str, rows: list[list[str]]) -> None:
    lines = [header, *(";".join(row) for row in rows)]
    (folder / name).write_bytes(("\r\n".join(lines) + "\r\n").encode("latin-1"))


def export(folder: Path) -> None:
    """An Italian export: semicolons, decimal commas, day before month, Latin-1, names and codes of its own."""
    rng = random.Random(7)
    folder.mkdir(parents=True)
    write(
        folder, "anagrafica.csv", "Codice paziente;Cognome;Data di nascita;Sesso;Ultima visita;Città",
        [[p, f"Cognome{p[3:]}", f"{rng.randrange(1, 29):02}/05/19{rng.randrange(60, 90)}", "F", "31/12/2024", "Forlì"]
         for p in PATIENTS],
    )  # fmt: skip
    write(
        folder, "infusioni.csv", "ID somministrazione;Codice paziente;Farmaco;Data infusione;Dose;Unità dose",
        [[f"S{p}{year}", p, "OCREVUS 300MG FL" if p < "UD-007" else "MABTHERA 500MG", f"15/03/{year}", "600,5", "mg"]
         for p in PATIENTS for year in (2023, 2024)],
    )  # fmt: skip
    write(
        folder, "esami.csv",
        "ID esame;Codice paziente;Campione;Esame;Descrizione;Risultato;Unità di misura;Data prelievo",
        [[f"{p}/{month}/{code}", p, f"{p}/{month}", code, name, form.format(rng.uniform(2, 6)).replace(".", ",")
          if unit != "/uL" else form.format(rng.uniform(100, 900)), unit, f"{month + 12}/{month:02}/2024 08:30"]
         for p in PATIENTS for month in range(1, 13) for code, name, unit, form in TESTS],
    )  # fmt: skip


def test_a_first_export_is_published_once_its_unknown_codes_are_filled_in(tmp_path: Path) -> None:
    site = tmp_path / "home" / "deliveries" / "friuli"
    delivery = site / "2024-12"
    export(delivery)
    done = run_registry("profile", site, "--out", site / "site.yml")
    assert done.returncode == 0, done.stderr
    proposed = (site / "site.yml").read_text(encoding="utf-8")
    assert "Cognome0" not in proposed + done.stderr and PATIENTS[0] not in proposed + done.stderr

    # what it leaves to a person: one code, and the names of the files
    assert '# "CONTA_N": ?   # 144 rows, "Conta N."' in proposed
    (site / "site.yml").write_text(proposed.replace('# "CONTA_N": ?', '"CONTA_N": anc'), encoding="utf-8")
    for name, entity in {"anagrafica": "patients", "infusioni": "administrations", "esami": "lab_results"}.items():
        assert f"rename 2024-12/{name}.csv to {entity}_{name}.csv" in done.stderr
        (delivery / f"{name}.csv").rename(delivery / f"{entity}_{name}.csv")

    home = tmp_path / "home"
    assert refresh_home(home).status == "published"
    held_back = run_registry("quarantine", "--home", home, "--format", "json")
    assert json.loads(held_back.stdout) == []
    counted = run_registry(
        "sql", "--home", home, "--format", "json",
        "select source_unit, count(*) n, min(anc_10e9_l) low, max(anc_10e9_l) high from fct_anc "
        "group by source_unit order by source_unit",
    )  # fmt: skip
    found = json.loads(counted.stdout)
    assert [(row["source_unit"], row["n"]) for row in found] == [("/uL", 144), ("mila/mmc", 144)]
    assert all(1 < float(row["low"]) < float(row["high"]) < 7 for row in found)
    defects = run_registry("sql", "--home", home, "--format", "json", "select * from meta.column_defect")
    assert json.loads(defects.stdout) == []
