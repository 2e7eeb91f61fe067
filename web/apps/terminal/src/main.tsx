import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { keepShell } from "@lineside/shell/register.ts";
import { LanguageProvider } from "@lineside/ui/language.tsx";
import { App } from "./app/App.tsx";
import { ScanProvider } from "./scanning/scans.tsx";
import "./styles/base.css";
import "./styles/panels.css";
import "./styles/dialogs.css";

const root = document.getElementById("root");
if (!root) throw new Error("The page has no root element.");
keepShell();
createRoot(root).render(
  <StrictMode>
    <LanguageProvider>
      <ScanProvider>
        <App />
      </ScanProvider>
    </LanguageProvider>
  </StrictMode>,
);
