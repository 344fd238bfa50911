import type { Request, RequestHandler } from "express";
import { hasCode } from "../../errors.ts";
import type { Claim, LogIn } from "../../vault/log-in/log-in.ts";
import type { Route } from "../route.ts";

/**
 * Nobody needs an access token here. A client gets its first captcha code from a prelogin with any code and answer: what is refused names a
 * new code in `captchaurl`.
 */
export function createLogInRoutes(logIn: LogIn): readonly Route[] {
  const captcha: RequestHandler = async (request, response) => {
    const png = await logIn.drawCaptcha(parameter(request, "code"));
    response.type("png").send(png);
  };
  const prelogin: RequestHandler = async (request, response) => {
    const answer = {
      code: parameter(request, "code"),
      answer: parameter(request, "captcha"),
    };
    try {
      await logIn.sendCode(claimOf(request), answer);
      response.json({ status: "ok", result: "done" });
    } catch (error) {
      if (!hasCode(error, "captcha-invalid")) throw error;
      const captchaurl = logIn.createCaptcha();
      response.json({ status: "error", result: "captcha-error", captchaurl });
    }
  };
  const login: RequestHandler = async (request, response) => {
    const { xtoken, token } = await logIn.logIn(claimOf(request), parameter(request, "otp"));
    response.json({ status: "ok", xtoken, token });
  };
  return [
    { method: "get", path: "/v1/captcha/:code", handler: captcha },
    {
      method: "get",
      path: "/v1/prelogin/:mode/:identity/:code/:captcha",
      handler: prelogin,
      hasEffect: true,
    },
    { method: "get", path: "/v1/login/:mode/:identity/:otp", handler: login, hasEffect: true },
  ];
}

function claimOf(request: Request): Claim {
  return { mode: parameter(request, "mode"), identity: parameter(request, "identity") };
}

function parameter(request: Request, name: string): string {
  const value = request.params[name];
  return typeof value === "string" ? value : "";
}
