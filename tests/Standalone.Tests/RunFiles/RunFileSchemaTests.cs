using System.Diagnostics;
using System.Text.Json.Nodes;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Standalone.Tests.RunFiles;

public class RunFileSchemaTests
{
    private static readonly string Committed = Repository.File("docs", "run-file.schema.json");

    [Fact]
    public void The_committed_schema_is_current()
    {
        if (Renewal.IsAsked)
        {
            File.WriteAllText(Committed, RunFileSchema.Create());
        }

        Assert.True(
            File.Exists(Committed) && File.ReadAllText(Committed) == RunFileSchema.Create(),
            $"docs/run-file.schema.json is not what the program's declarations give. Renew it with: {Renewal.Command}");
    }

    [Fact]
    public void The_schema_holds_descriptions_ranges_names_defaults_and_refuses_unknown_keys()
    {
        var schema = JsonNode.Parse(RunFileSchema.Create())!;
        var run = schema["properties"]!["run"]!;
        var rate = run["properties"]!["training"]!["properties"]!["learningRate"]!;
        var momentum = run["properties"]!["training"]!["properties"]!["momentum"]!;

        Assert.False(schema["additionalProperties"]!.GetValue<bool>());
        Assert.False(run["additionalProperties"]!.GetValue<bool>());
        Assert.Equal("Step size.", rate["description"]!.GetValue<string>());
        Assert.Equal(1e-12, rate["minimum"]!.GetValue<double>());
        Assert.Equal(1e6, rate["maximum"]!.GetValue<double>());
        Assert.Equal(0, momentum["default"]!.GetValue<double>());
        Assert.Equal("^(?:[a-z0-9-]{1,64})$", run["properties"]!["data"]!["properties"]!["dataSet"]!["pattern"]!.GetValue<string>());
        Assert.Equal(["crossEntropy", "binaryCrossEntropy", "meanSquaredError"], run["properties"]!["training"]!["properties"]!["loss"]!["enum"]!.AsArray().Select(name => name!.GetValue<string>()));
        Assert.Contains("learningRate", run["properties"]!["training"]!["required"]!.AsArray().Select(name => name!.GetValue<string>()));
        Assert.False(schema["properties"]!["simulation"]!["properties"]!["data"]!["additionalProperties"]!["additionalProperties"]!.GetValue<bool>());
    }

    /// <summary>With the validator ajv where npm can be had: samples pass, and samples with an unknown key do not.</summary>
    [Fact]
    public async Task Samples_fit_the_schema()
    {
        var folder = Directory.CreateTempSubdirectory("run-file-schema-");
        try
        {
            var (installed, output) = await RunAsync("npm", folder.FullName, "install", "--no-audit", "--no-fund", "--silent", "ajv@8");
            Assert.SkipUnless(installed, $"ajv could not be installed with npm: {output}");

            File.WriteAllText(Path.Combine(folder.FullName, "schema.json"), RunFileSchema.Create());
            File.WriteAllText(Path.Combine(folder.FullName, "check.cjs"), """
                const { readFileSync } = require("fs");
                const Ajv = require("ajv/dist/2020");
                const read = path => JSON.parse(readFileSync(path, "utf8"));
                const [schema, ...samples] = process.argv.slice(2);
                const validate = new Ajv({ allErrors: true }).compile(read(schema));
                for (const sample of samples) {
                  if (!validate(read(sample))) { console.log(sample, JSON.stringify(validate.errors)); process.exitCode = 1; }
                  const wrong = read(sample);
                  wrong.run.training.bathcSize = 3;
                  if (validate(wrong)) { console.log(sample, "passes with an unknown key"); process.exitCode = 1; }
                }
                """);
            var samples = Directory.GetFiles(Repository.File("samples"), "*.json");
            var (fit, errors) = await RunAsync("node", folder.FullName, ["check.cjs", "schema.json", .. samples]);

            Assert.True(fit, errors);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<(bool Succeeded, string Output)> RunAsync(string program, string folder, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var output = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync();
            return (process.ExitCode == 0, string.Concat(output));
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            return (false, exception.Message);
        }
    }
}
