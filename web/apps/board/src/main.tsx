import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { keepShell } from "@lineside/shell/register.ts";
import { LanguageProvider } from "@lineside/ui/language.tsx";
import { Board } from "./Board.tsx";
import "@lineside/ui/state-bar.css";
import "./styles/board.css";

const root = document.getElementById("root");
if (!root) throw new Error("The page has no root element.");
const queries = new QueryClient({
  defaultOptions: { queries: { networkMode: "always", retry: false, refetchOnWindowFocus: true } },
});
keepShell();
createRoot(root).render(
  <StrictMode>
    <LanguageProvider>
      <QueryClientProvider client={queries}>
        <Board />
      </QueryClientProvider>
    </LanguageProvider>
  </StrictMode>,
);
