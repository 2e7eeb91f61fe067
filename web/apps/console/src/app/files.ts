/** Files from central: saved or opened, and a refusal said aloud. */
import { App } from "antd";
import { useState } from "react";
import { openFile } from "@lineside/client/central.ts";
import { sentence, useSayError } from "./saying.ts";

/** How to fetch a file, and whether one is on its way. */
export function useFile(): { fetchFile: (path: string, saveAs?: string) => void; busy: boolean } {
  const { message } = App.useApp();
  const say = useSayError();
  const [busy, setBusy] = useState(false);
  const fetchFile = (path: string, saveAs?: string) => {
    setBusy(true);
    openFile(path, saveAs ? { saveAs } : {})
      .catch((error: unknown) => {
        void message.error(sentence(say(error)), 8);
      })
      .finally(() => setBusy(false));
  };
  return { fetchFile, busy };
}
