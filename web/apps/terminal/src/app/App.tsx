/** Which station this page is for, and its screen. */
import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { listStations } from "@lineside/client/edge.ts";
import { pick, useLanguage } from "@lineside/ui/language.tsx";
import { recallHeard } from "../server/heard.ts";
import { useNewBuild } from "../server/useNewBuild.ts";
import { AgentAway } from "./AgentAway.tsx";
import { Screen } from "./Screen.tsx";
import { useText } from "./words.ts";

const queries = new QueryClient({
  defaultOptions: { queries: { retry: true, retryDelay: 2_000, refetchOnWindowFocus: false } },
});

/** The terminal. */
export function App() {
  return (
    <QueryClientProvider client={queries}>
      <Chosen />
    </QueryClientProvider>
  );
}

function Chosen() {
  const [station, setStation] = useState(() => new URLSearchParams(window.location.search).get("station"));
  const choose = (id: string | null) => {
    const address = new URL(window.location.href);
    if (id) address.searchParams.set("station", id);
    else address.searchParams.delete("station");
    window.history.replaceState(null, "", address);
    setStation(id);
  };
  return station ? (
    <Screen key={station} station={station} leave={() => choose(null)} />
  ) : (
    <StationPicker choose={choose} />
  );
}

function StationPicker({ choose }: { choose: (id: string) => void }) {
  const text = useText();
  const { language, choose: speak } = useLanguage();
  useNewBuild(true);
  const [heard] = useState(() => recallHeard() ?? { at: Date.now() });
  const stations = useQuery({ queryKey: ["stations"], queryFn: listStations, refetchInterval: 10_000 });
  return (
    <main className="picker">
      <header className="picker__head">
        <h1>{text("picker.title")}</h1>
        <button type="button" className="button" onClick={() => speak(language === "zh" ? "en" : "zh")}>
          {text("language.other")}
        </button>
      </header>
      {stations.isPending && (
        <p className="picker__note" role="status">
          {text(stations.failureCount > 0 ? "picker.unreachable" : "picker.loading")}
        </p>
      )}
      {stations.failureCount > 1 && <AgentAway since={heard.at} zone={heard.zone} />}
      {stations.data?.stations.length === 0 && <p className="picker__note">{text("picker.empty")}</p>}
      <ul className="picker__list">
        {stations.data?.stations.map((row) => (
          <li key={row.id}>
            <button type="button" className="picker__card" onClick={() => choose(row.id)}>
              <strong>{pick(language, row.name.zh, row.name.en) || row.id}</strong>
              <span>
                {row.line} · {row.id}
                {row.simulation ? ` · ${text("simulation")}` : ""}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </main>
  );
}
