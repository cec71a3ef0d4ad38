"""The words of an Italian hospital: headers, test codes, the pharmacy's drug names, free text."""

from __future__ import annotations

HEADERS = {
    "patients": {
        "patient_id": "codice_paziente",
        "birth_date": "data_nascita",
        "sex": "sesso",
        "ms_phenotype": "forma_SM",
        "ms_onset_date": "data_esordio",
        "last_contact_date": "ultimo_contatto",
        "death_date": "data_decesso",
    },
    "treatments": {
        "treatment_id": "id_terapia",
        "patient_id": "codice_paziente",
        "drug": "farmaco",
        "start_date": "data_inizio",
        "end_date": "data_fine",
        "end_reason": "motivo_fine",
    },
    "administrations": {
        "administration_id": "id_somministrazione",
        "patient_id": "codice_paziente",
        "drug": "farmaco",
        "administered_on": "data_somministrazione",
        "dose_unit": "unità_dose",
        "route": "via",
    },
    "lab_results": {
        "result_id": "id_esame",
        "patient_id": "codice_paziente",
        "specimen_id": "id_campione",
        "test_code": "esame",
        "test_name": "descrizione",
        "material": "materiale",
        "value": "risultato",
        "unit": "unità",
        "collected_at": "data_prelievo",
        "reference_low": "rif_min",
        "reference_high": "rif_max",
    },
    "clinical_events": {
        "event_id": "id_evento",
        "patient_id": "codice_paziente",
        "event_type": "tipo_evento",
        "onset_date": "data_inizio",
        "end_date": "data_fine",
        "code": "codice",
        "description": "descrizione",
    },
}
TESTS = {
    "751-8": ("NEU#", "anc"),
    "6690-2": ("GB", "wbc"),
    "770-8": ("NEU%", "neutrophils_pct"),
    "731-0": ("LINF#", "lymphocytes"),
    "736-9": ("LINF%", "lymphocytes_pct"),
    "777-3": ("PLT", "platelets"),
    "718-7": ("HB", "hemoglobin"),
    "8116-6": ("CD19", "cd19_abs"),
    "2465-3": ("IGG", "igg"),
}
DRUGS = {
    "ocrelizumab": "OCREVUS 300MG FL",
    "rituximab": "MABTHERA 500MG FL",
    "ofatumumab": "KESIMPTA 20MG PEN",
    "ublituximab": "BRIUMVI 150MG FL",
    "filgrastim": "ZARZIO 30MU SIR",
    "pegfilgrastim": "NEULASTA 6MG SIR",
}
WORDS = {
    "sex": {"F": "Donna", "M": "Uomo"},
    "status": {"cancelled": "annullato"},
    "event_type": {"infection": "infezione", "hospitalisation": "ricovero"},
    "material": {"blood": "Sangue", "csf": "Liq."},
}
TEXTS = {
    "Neutrophils": "Granulociti neutrofili",
    "Leukocytes": "Globuli bianchi (unità)",
    "Platelets": "Piastrine",
    "clotted": "coagulato",
    "haemolysed": "emolizzato",
    "unknown": "non noto",
}
