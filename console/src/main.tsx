import "./styles/console.css";
import { render } from "preact";
import { App } from "./app";
import { returnToPage } from "./route";
import { applyTheme } from "./theme";

returnToPage();
applyTheme();
const root = document.getElementById("console");
if (root !== null) render(<App />, root);
