import { api } from "../api";
import { moment, t } from "../i18n";
import { link } from "../route";
import { useLoad } from "../ui/load";
import { Badge, Failure, Loading } from "../ui/parts";
import { kindOf } from "./list";

export function QuarantinePage() {
  const findings = useLoad(() => api.quarantine(), []);
  return (
    <div class="page">
      <div class="head"><div class="titles"><h1>{t("quarantine.title")}</h1><p class="muted">{t("quarantine.intro")}</p></div></div>
      {findings.error !== undefined && <Failure error={findings.error} retry={findings.reload} />}
      {findings.value === undefined && findings.error === undefined && <Loading />}
      {findings.value?.data.length === 0 && <div class="card empty">{t("quarantine.none")}</div>}
      {findings.value?.data.map((finding) => {
        const kind = kindOf(finding.kind);
        return (
          <section class="card" key={`${finding.kind}/${finding.id}`}>
            <div class="body">
              <div class="row">
                <Badge tone="bad">{finding.kind ?? t("quarantine.noKind")}</Badge>
                <h2 class="break">{finding.id}</h2>
                <span class="small muted">{t("item.revision", { n: finding.revision })}, {moment(finding.at)}</span>
                <span class="push"><Badge tone={finding.serving_revision === null ? "warn" : "good"}>
                  {finding.serving_revision === null ? t("quarantine.notServing") : t("quarantine.serving", { n: finding.serving_revision })}
                </Badge></span>
              </div>
              <p class="break">{finding.reason}</p>
              {kind !== null && <div><a class="button" href={link(kind, finding.id)}>{t("quarantine.mend")}</a></div>}
            </div>
          </section>
        );
      })}
    </div>
  );
}
