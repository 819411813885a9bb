// An Express application as somebody has it before they know the gateway: handlers for /connect, /message, /disconnect.
import { createRequire } from "node:module";

const express = createRequire(`${process.cwd()}/`)("express");
const app = express();
app.use(express.text({ type: "*/*" }));
app.post("/connect", (request, response) => response.send(""));
app.post("/message", (request, response) => response.send(`${request.get("connectionId")} said ${request.body}`));
app.post("/disconnect", (request, response) => response.send(""));
const server = app.listen(0, "127.0.0.1", () => console.log(`listening on ${server.address().port}`));
