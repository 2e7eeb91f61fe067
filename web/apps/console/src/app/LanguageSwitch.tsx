import { Button } from "antd";
import { useLanguage } from "@lineside/ui/language.tsx";

/** Shows the language that it changes to, in that language. */
export function LanguageSwitch() {
  const { language, choose } = useLanguage();
  const other = language === "zh" ? "en" : "zh";
  return (
    <Button type="text" lang={other === "zh" ? "zh-CN" : "en"} onClick={() => choose(other)}>
      {other === "zh" ? "中文" : "English"}
    </Button>
  );
}
