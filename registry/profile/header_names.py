"""Hospitals' names for the contract's columns and entities: Italian, German, French, Spanish, Portuguese, English.

Names have the form of `folded`: lower case, without accents, blanks and punctuation. A column's first names are the
most certain. Add names from real exports here; columns.py also considers the cells.
"""

from __future__ import annotations

import re
import unicodedata

from registry.config.input_contract import ENTITIES


def folded(name: str) -> str:
    """A header or name without case, accents, blanks and punctuation: `Unità di misura` → `unitadimisura`."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return re.sub(r"[^a-z0-9]", "", plain)


_SMALL_WORDS = frozenset("di del della dell de du des der d l la le el of the".split())


def folded_forms(name: str) -> tuple[str, ...]:
    """A header's `folded` form, and the one without its small words: `Date de prélèvement` → `dateprelevement`."""
    words = [word for word in re.split(r"[\W_]+", name.casefold()) if word not in _SMALL_WORDS]
    return tuple(dict.fromkeys((folded(name), folded("".join(words)))))


_PATIENT = """npatient npaciente nopaciente nrpaziente nropaciente numpaciente
    idpaziente codicepaziente codpaziente codpaz idpaz paziente pazienteid numeropaziente npaziente cartella
    numerocartella mpi patient patientid patientennummer patientennr patientnr patnr patid pid idpatient codepatient
    numeropatient numpatient nopatient ipp nip idpaciente codigopaciente codpaciente paciente nhc numerohistoria
    numhistoria historiaclinica iddoente doente patientno patientnumber patientcode mrn medicalrecordnumber
    hospitalnumber hospitalno hospno hospnumber hospid unitnumber nhsnumber nhsno chinumber chino ptid ptno pt
    ncartella nrcartella cartellaclinica nosologico numeronosologico matricola codicesanitario
    subjectid subject usubjid personid codicefiscale patientenid"""
_STATUS = "stato statut estado recordstatus"
_DRUG = """farmaco principioattivo nomefarmaco medicinale specialita terapia trattamento dmt medikament wirkstoff
    praparat praeparat arzneimittel therapie medicament molecule dci specialite traitement medicamento principioactivo
    tratamiento drugname medication substance agent product treatment therapy"""
_START = """datainizio datainizioterapia inizioterapia inizio dal startdatum beginndatum therapiebeginn beginn von
    datedebut datedebuttraitement debut fechainicio inicio start begin datestart datestarted startedon started
    commenced datecommenced"""
_END = """datafine datafineterapia fineterapia datasospensione sospensione fine enddatum therapieende ende bis datefin
    datefintraitement datearret arret fin fechafin end stop stopdate dateend datestopped stoppedon stopped ended
    discontinued datediscontinued al finoal"""

_COLUMNS: dict[str, dict[str, str]] = {
    "patients": {
        "patient_id": _PATIENT + " id codice code codigo",
        "birth_date": """datanascita datadinascita dtnascita nascita annonascita annodinascita geburtsdatum gebdatum
            gebdat geburtstag geburtsjahr datenaissance datedenaissance naissance ddn anneenaissance fechanacimiento
            fechadenacimiento nacimiento anonacimiento datanascimento dateofbirth dob birth yearofbirth birthyear
            yob natoil natail dtnasc datanasc datanas dnascita birth dobirth""",
        "sex": "sesso genere geschlecht sexe sexo gender",
        "ms_phenotype": """fenotipo fenotiposm formasm decorso forma tiposm verlaufsform verlauf mstyp phanotyp
            phaenotyp formesep forme typesep formaem tipoem phenotype mstype mscourse diseasecourse""",
        "ms_onset_date": """dataesordio dataesordiosm esordio esordiosm insorgenza erstmanifestation krankheitsbeginn
            datedebutsep datedebut debutsep debutmaladie fechainicioem fechainicio fechadebut onset onsetdate
            diseaseonset dateofonset msonset""",
        "last_contact_date": """dataultimavisita ultimavisita dataultimocontatto ultimocontatto letztevisite
            letzterkontakt letztervisite datedernierevisite dernierevisite datederniercontact derniercontact
            fechaultimavisita ultimocontacto lastvisit lastvisitdate lastcontact lastseen datelastseen""",
        "death_date": """datadecesso decesso datamorte todesdatum sterbedatum todestag datedeces deces fechamuerte
            fechadefuncion fechafallecimiento exitus dateofdeath dod""",
        "duffy_null": "duffy duffynull",
        "status": _STATUS,
    },
    "treatments": {
        "treatment_id": """idterapia idtrattamento codiceterapia therapieid behandlungsid behandlungid idtraitement
            idtratamiento therapyid lineid id""",
        "patient_id": _PATIENT,
        "drug": _DRUG,
        "start_date": _START,
        "end_date": _END,
        "end_reason": """motivofine motivosospensione causasospensione motivo abbruchgrund endgrund grund motifarret
            raisonarret motif motivofin motivosuspension stopreason reasonforstopping reason""",
        "status": _STATUS,
    },
    "administrations": {
        "administration_id": """idsomministrazione idinfusione verabreichungid gabeid infusionid idadministration
            idperfusion idadministracion idinfusion doseid id""",
        "patient_id": _PATIENT,
        "drug": _DRUG,
        "administered_on": """datasomministrazione datainfusione datadose infusionsdatum verabreichungsdatum gabedatum
            verabreichtam dateadministration dateperfusion dateinjection fechaadministracion fechainfusion infusiondate
            administrationdate administereddate dosedate dategiven givenon somministratoil dateofinfusion
            dateofadministration infusion dtinfusione datainf dtsomministrazione data datum date fecha""",
        "administered_until": f"""datafinesomministrazione finesomministrazione finoal gegebenbis verabreichtbis
            datefinadministration jusquau fechafinadministracion hasta until givenuntil enddate al bis au {_END}""",
        "dose": "dosaggio dosesomministrata quantita qta dosis dosierung menge quantite posologie cantidad amount",
        "dose_unit": """unitadose unitamisura unitadimisura udm um unita dosiseinheit einheit unitedose unite
            unidaddosis unidad unit units""",
        "route": """viasomministrazione viadisomministrazione via applikationsart applikationsweg applikation
            voieadministration voie viaadministracion routeofadministration""",
        "status": _STATUS,
    },
    "lab_results": {
        "result_id": """idrisultato idesame numerorisultato codicerisultato ergebnisid ergebnisnr idresultat
            numeroresultat idresultado resultid observationid labid id""",
        "patient_id": _PATIENT,
        "specimen_id": """idcampione codicecampione numerocampione campione idprovetta provetta barcode idrichiesta
            numerorichiesta richiesta numeroaccettazione accettazione probenid probennummer probennr probe
            auftragsnummer auftragsnr auftrag idechantillon numeroechantillon echantillon numprelevement
            numerodemande demande idmuestra nummuestra muestra numeropeticion peticion specimen sampleid sample
            specimennumber prelevement accession accessionnumber orderid ordernumber""",
        "material": """materiale materialebiologico tipomateriale tipocampione tipodicampione matrice materialart
            untersuchungsmaterial probenmaterial probenart probentyp naturedeprelevement natureprelevement nature
            typeprelevement typedeprelevement typeechantillon materiel tipomuestra tipodemuestra especimen
            specimentype sampletype specimensource matrix campione probe prelevement echantillon muestra specimen
            sample""",
        "test_code": """codiceesame codesame codiceloinc loinccode codeloinc codigoloinc loinc codicetest codiceanalisi
            codiceparametro codiceanalita codiceprestazione testcode analytcode parametercode untersuchungscode kurzel
            kuerzel analysecode codeanalyse codeexamen codeparametre codigoprueba codprueba codigodeterminacion esame
            test analisi parametro analita prestazione analyt parameter untersuchung analyse examen parametre prueba
            determinacion analito testid codice code codigo""",
        "test_name": """descrizioneesame esamedescrizione descesame nomeesame denominazione descrizione testbezeichnung
            analytname parametername bezeichnung libelleanalyse libelleexamen nomanalyse libelle nombreprueba
            nombredeterminacion descripcion testdescription description testname longname""",
        "value": """risultato valore valorerisultato valorenumerico esito ergebnis messwert wert resultat valeur
            resultatnumerique resultado valor result resultvalue numericresult""",
        "unit": """unitamisura unitadimisura udm um uom unita einheit masseinheit unitemesure unite unites unidadmedida
            unidad unidades resultunit units""",
        "collected_at": """dataprelievo dataoraprelievo datacampione dataraccolta dataesame dataoraesame dataora
            entnahmedatum abnahmedatum abnahmezeitpunkt entnahmezeit probendatum abnahme dateprelevement
            dateheureprelevement dateexamen dateanalyse fechaextraccion fechamuestra fechatoma fechaprueba fechahora
            datacolheita collectiondate collectiontime collectiondatetime collected sampledate drawdate specimendate
            dateofcollection datecollected datesampled dateofsample sampledatetime sampletaken datetaken takenat takenon
            taken bleeddate dtprelievo dataprel prelievo data datum date fecha""",
        "reference_low": """valoreminimo valmin minimo rifmin riferimentomin rangemin vmin limiteinferiore refmin
            lowerlimit lln normalow untergrenze unterergrenze referenzunten normmin normeinf borneinf limiteinf
            refinf valorminimo limiteinferior reflow rangelow normallow""",
        "reference_high": """valoremassimo valmax massimo rifmax riferimentomax rangemax vmax limitesuperiore refmax
            upperlimit uln normahigh obergrenze oberergrenze referenzoben normmax normesup bornesup limitesup refsup
            valormaximo limitesuperior refhigh rangehigh normalhigh""",
        "status": _STATUS + " statoesame statorisultato resultstatus",
    },
    "clinical_events": {
        "event_id": "idevento codiceevento ereignisid idevenement eventid id",
        "patient_id": _PATIENT,
        "event_type": "tipoevento evento tipo ereignistyp ereignisart ereignis typeevenement evenement event type",
        "onset_date": """dataevento datainizio dataesordio insorgenza inizio ereignisdatum beginn dateevenement
            datedebut debut fechaevento fechainicio inicio eventdate onset onsetdate startdate data datum date fecha""",
        "end_date": _END,
        "code": """codiceicd icd icd10 icd9 codicediagnosi codediagnosi diagnosecode cim10 codediagnostic
            codigodiagnostico codice codigo""",
        "description": "descrizione diagnosi bezeichnung diagnose libelle diagnostic descripcion diagnostico diagnosis",
        "status": _STATUS,
    },
    "adjudications": {
        "adjudication_id": "idrevisione reviewid idrevision idbewertung id",
        "patient_id": _PATIENT,
        "onset_from": "dal da von du desde from esordiodal",
        "onset_to": "al a bis au hasta to esordioal",
        "verdict": "giudizio esito urteil bewertung avis jugement dictamen conclusion",
        "reviewed_on": "datarevisione bewertetam daterevision fecharevision reviewdate",
        "reviewer_role": "ruolo ruolorevisore rolle role reviewer",
        "comment": "commento note kommentar bemerkung commentaire comentario comments",
        "status": _STATUS,
    },
}

_FILES: dict[str, str] = {
    "patients": "pazienti paziente anagrafica anagrafiche patient patienten stammdaten pacientes demographics doentes",
    "treatments": """terapie terapia trattamenti trattamento treatment therapien therapie behandlungen behandlung
        traitements traitement tratamientos tratamiento therapies""",
    "administrations": """somministrazioni somministrazione infusioni infusione dosi administration verabreichungen
        verabreichung infusionen gaben perfusions perfusion administraciones infusiones infusions doses""",
    "lab_results": """esami esame laboratorio lab labs labor laborwerte laborbefunde laborergebnisse blutbild analisi
        emocromo emocromi ematochimici risultati referti laboratoire biologie analyses resultats analiticas analitica
        hemograma hemogramas resultados laboratory results labresults bloodcounts counts""",
    "clinical_events": """eventi evento ereignisse evenements eventos event events infezioni ricadute ricoveri
        infektionen schube infections relapses hospitalisations hospitalizations""",
    "adjudications": "revisioni revisione giudizi adjudication bewertungen revisions revisiones reviews chartreview",
}

PERSON_NAMES = frozenset(
    """nome cognome nominativo cognomenome nomecognome name vorname nachname familienname nom prenom nomprenom nombre
    apellido apellidos nombreapellidos surname firstname lastname fullname patientname nomepaziente cognomepaziente
    nominativopaziente medico medicorichiedente arzt einsender medecin prescripteur physician doctor
            clinician""".split()
)
"""Headers of columns with people's names, whose cells are never written."""

TIMES = frozenset(
    "ora oraprelievo oraesame uhrzeit zeit abnahmezeit heure heureprelevement hora time sampletime".split()
)
"""Headers of a time of day in a separate column from its date."""

COLUMN_NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    entity.name: {column: (folded(column), *_COLUMNS[entity.name].get(column, "").split()) for column in entity.columns}
    for entity in ENTITIES.values()
}
"""Per entity and column of the contract: its folded names, the most certain first."""

FILE_WORDS: dict[str, frozenset[str]] = {entity: frozenset(words.split()) for entity, words in _FILES.items()}
"""Per entity: the words that a file name may contain."""
