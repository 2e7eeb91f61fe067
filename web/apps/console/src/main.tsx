import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { LanguageProvider } from "@lineside/ui/language.tsx";
import { App } from "./app/App.tsx";
import "./styles/console.css";

const root = document.getElementById("root");
if (!root) throw new Error("The page has no root element.");
createRoot(root).render(
  <StrictMode>
    <LanguageProvider>
      <App />
    </LanguageProvider>
  </StrictMode>,
);
