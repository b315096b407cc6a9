namespace FlEvents.DifferentialPrivacy.Accounting;

/// <summary>Names the formulas and roundings that charges were computed with.</summary>
public static class AccountantVersion
{
    /// <summary>Changes whenever a charge of any event could change by a unit.</summary>
    public const string Current = "flevents-accounting/1";
}
