/** The console: who is signed in sees the pages, everybody else the way in. */
import { QueryClientProvider } from "@tanstack/react-query";
import { App as AntApp, ConfigProvider, Spin } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import "dayjs/locale/zh-cn";
import dayjs from "dayjs";
import { lazy, Suspense, useEffect, useSyncExternalStore } from "react";
import { createHashRouter, Navigate, RouterProvider } from "react-router";
import { session } from "@lineside/client/central.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import { queries } from "./queries.ts";
import { Shell } from "./Shell.tsx";
import { SignIn } from "./SignIn.tsx";
import { theme } from "./theme.ts";
import { useText } from "./words.ts";

const OrdersPage = lazy(() => import("../orders/OrdersPage.tsx"));
const OrderPage = lazy(() => import("../orders/OrderPage.tsx"));
const TracePage = lazy(() => import("../trace/TracePage.tsx"));
const FloorPage = lazy(() => import("../floor/FloorPage.tsx"));
const FiguresPage = lazy(() => import("../figures/FiguresPage.tsx"));
const PeoplePage = lazy(() => import("../people/PeoplePage.tsx"));
const EdgesPage = lazy(() => import("../edges/EdgesPage.tsx"));
const EdgePage = lazy(() => import("../edges/EdgePage.tsx"));
const PrintPage = lazy(() => import("../printing/PrintPage.tsx"));

const router = createHashRouter([
  {
    element: <Shell />,
    children: [
      { index: true, element: <Navigate to="/orders" replace /> },
      { path: "trace", element: <TracePage /> },
      { path: "orders", element: <OrdersPage /> },
      { path: "orders/:order", element: <OrderPage /> },
      { path: "floor", element: <FloorPage /> },
      { path: "figures", element: <FiguresPage /> },
      { path: "people", element: <PeoplePage /> },
      { path: "edges", element: <EdgesPage /> },
      { path: "edges/:edge", element: <EdgePage /> },
      { path: "print", element: <PrintPage /> },
      { path: "*", element: <Navigate to="/orders" replace /> },
    ],
  },
]);

/** Language, looks, data and pages. */
export function App() {
  const { language } = useLanguage();
  const text = useText();
  const token = useSyncExternalStore(session.subscribe, session.token);
  useEffect(() => {
    dayjs.locale(language === "zh" ? "zh-cn" : "en");
  }, [language]);
  useEffect(() => {
    if (token === null) queries.clear();
  }, [token]);
  return (
    <ConfigProvider locale={language === "zh" ? zhCN : enUS} theme={theme} button={{ autoInsertSpace: false }}>
      <AntApp message={{ duration: 4 }}>
        <QueryClientProvider client={queries}>
          {token === null ? (
            <SignIn />
          ) : (
            <Suspense fallback={<Spin fullscreen description={text("loading")} />}>
              <RouterProvider router={router} />
            </Suspense>
          )}
        </QueryClientProvider>
      </AntApp>
    </ConfigProvider>
  );
}
