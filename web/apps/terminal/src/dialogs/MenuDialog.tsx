/** What is needed seldom. */
import { useLanguage } from "@lineside/ui/language.tsx";
import { useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import { Choice, Dialog } from "./Dialog.tsx";

/** Opened by the three bars. */
export function MenuDialog({ leave }: { leave: () => void }) {
  const { view, open } = useTerminal();
  const { language, choose } = useLanguage();
  const text = useText();
  return (
    <Dialog title={text("menu.title")}>
      <div className="choices">
        <Choice code="CMD-TYPE" label={text("type.title")} onChoose={() => open({ name: "type" })} />
        <Choice code="CMD-BACK" label={text("back.title")} onChoose={() => open({ name: "back" })} />
        <Choice code="CMD-MOVE" label={text("move.title")} onChoose={() => open({ name: "move" })} />
        {view.spanned.length > 0 && (
          <Choice code="CMD-SPLIT" label={text("split.title")} onChoose={() => open({ name: "split" })} />
        )}
        <Choice code="CMD-DECLARE" label={text("declare.title")} onChoose={() => open({ name: "declare" })} />
        <Choice code="CMD-NUMBERS" label={text("numbers.title")} onChoose={() => open({ name: "numbers" })} />
        <Choice code="CMD-CARRIER" label={text("carrier.title")} onChoose={() => open({ name: "carrier" })} />
        {view.jobs.length > 0 && (
          <Choice code="CMD-FINISH-ORDER" label={text("menu.finish_order")} onChoose={() => open({ name: "finish" })} />
        )}
        {view.state_from === "acts" && (
          <Choice code="CMD-STATE" label={text("state.title")} onChoose={() => open({ name: "state" })} />
        )}
        <Choice
          code="CMD-LANGUAGE"
          label={<span lang={language === "zh" ? "en" : "zh-CN"}>{text("language.other")}</span>}
          onChoose={() => {
            choose(language === "zh" ? "en" : "zh");
            open(null);
          }}
        />
        <Choice code="" label={text("menu.station")} note={view.station} onChoose={leave} />
      </div>
      <p className="muted">{text("menu.evidence", { edge: view.edge, seq: view.seq })}</p>
    </Dialog>
  );
}
